"""Render a kustomization: read its resources, generate, transform, and fix names, in Kustomize's order.

Owns: the order of things, finding files and folders, cycles. Must not know: what a transformer does.
Behaviour follows Kustomize 5.8 `api/internal/target`: at every level resources, generators and components come before
the transformers; name hashes, references and sorting come once, at the root.
"""

from __future__ import annotations

import msgspec

from canarium.errors import Place
from canarium.gitops.kustomize import fieldspecs, generators, kustomization, patches, references, transformers
from canarium.gitops.kustomize.kustomization import Kustomization, text_of
from canarium.gitops.kustomize.resource import Resource, read_resources, text_at
from canarium.gitops.rendered import Rendered, RenderError, rendered
from canarium.gitops.tree import PathOutside, Tree, resolve
from canarium.text.located import Leaf, Map, place_of

_LOCAL_ONLY = "config.kubernetes.io/local-config"


class KustomizeOptions(msgspec.Struct, frozen=True):
    """How strict to be. restricts_files: files must lie in or below the folder of the kustomization that names them."""

    restricts_files: bool = True


def render(tree: Tree, path: str, options: KustomizeOptions | None = None) -> list[Rendered]:
    """The objects that `kustomize build path` prints, in its order, each with the places of its fields.

    Raises RenderError and YamlError, always with a place; never anything half done.
    """
    folder = _inside("", path, None)
    root = _Level(tree, options or KustomizeOptions(), kustomization.read(tree, folder), ())
    resources = root.accumulate([])
    for resource in resources:
        generators.add_hash(resource)
    references.fix_references(resources)
    resources = [resource for resource in resources if _is_applied(resource)]
    return [rendered(resource.body, resource.origin) for resource in _sorted(resources, root.file)]


def _is_applied(resource: Resource) -> bool:
    return text_at(resource.body, "metadata", "annotations", _LOCAL_ONLY) in ("", "false")


def _sorted(resources: list[Resource], file: Kustomization) -> list[Resource]:
    """In the order that `sortOptions` asks for; `legacy` unless it says otherwise."""
    options = file.get("sortOptions")
    order = text_of(options.get("order")) if isinstance(options, Map) else "legacy"
    legacy = options.get("legacySortOptions") if isinstance(options, Map) else None
    if order not in ("fifo", "legacy") or (order == "fifo" and legacy):
        assert options is not None
        raise RenderError(
            "the field 'sortOptions.order' must be one of [fifo, legacy], and only legacy takes legacySortOptions",
            at=place_of(options),
            field="sortOptions.order",
            next_step="Write order: fifo to keep the order of the files.",
        )
    if order == "fifo":
        return resources
    if not isinstance(legacy, Map):
        return transformers.sort_legacy(resources, transformers.LEGACY_FIRST, transformers.LEGACY_LAST)
    first, last = ([text_of(item) for item in legacy.get(name) or ()] for name in ("orderFirst", "orderLast"))
    return transformers.sort_legacy(resources, first, last)


def _inside(folder: str, path: str, at: Place | None) -> str:
    try:
        return resolve(folder, path)
    except PathOutside as error:
        raise RenderError(error.problem, at=at, next_step=error.next_step) from error


def is_remote(path: str) -> bool:
    """Whether an entry of `resources:` names a git repository or a web address."""
    return "://" in path or path.startswith(("git@", "git::", "github.com/", "github.com:", "gh:"))


class _Level:
    """One kustomization of the tree of kustomizations; `above` are the folders that led here."""

    def __init__(self, tree: Tree, options: KustomizeOptions, file: Kustomization, above: tuple[str, ...]) -> None:
        self.tree = tree
        self.options = options
        self.file = file
        self.above = above

    def accumulate(self, resources: list[Resource]) -> list[Resource]:
        """Its resources, transformed. A component gets those of its parent to work on."""
        for leaf in self.file.items("resources", "bases"):
            self.add(resources, self.load(leaf))
        shared = self.file.get("generatorOptions")
        for field, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
            for item in self.file.items(field):
                made = generators.generate(kind, item, shared, self.read_file, self.file.file)
                generators.absorb(resources, made)
        for leaf in self.file.items("components"):
            resources = self.child(leaf, is_component=True).accumulate(resources)
        self.transform(resources)
        return resources

    def transform(self, resources: list[Resource]) -> None:
        """The transformers, in Kustomize's order."""
        file = self.file
        for leaf in file.items("patchesStrategicMerge"):
            patches.apply_patch(resources, patches.read_strategic_merge(leaf, self.read_file))
        for item in file.items("patches"):
            patches.apply_patch(resources, patches.read_patch(item, self.read_file))
        if file.text("namespace"):
            transformers.set_namespace(resources, file.body["namespace"])
        if file.text("namePrefix"):
            transformers.add_affix(resources, file.body["namePrefix"], is_prefix=True)
        if file.text("nameSuffix"):
            transformers.add_affix(resources, file.body["nameSuffix"], is_prefix=False)
        for item in file.items("labels"):
            pairs = item.get("pairs")
            if isinstance(pairs, Map):
                transformers.add_labels(resources, pairs, transformers.label_specs(item))
        transformers.add_labels(resources, file.pairs("commonLabels"), fieldspecs.COMMON_LABELS)
        transformers.add_labels(resources, file.pairs("commonAnnotations"), fieldspecs.COMMON_ANNOTATIONS)
        for item in file.items("patchesJson6902"):
            patches.apply_patch(resources, patches.read_json6902(item, self.read_file))
        for item in file.items("replicas"):
            transformers.set_replicas(resources, item)
        for item in file.items("images", "imageTags"):
            transformers.set_image(resources, item)
        self.refuse("replacements", "buildMetadata")

    def refuse(self, *fields: str) -> None:
        for field in fields:
            value = self.file.get(field)
            if value:
                raise RenderError(
                    "canarium does not build this field of Kustomize",
                    at=place_of(value),
                    field=field,
                    next_step="Remove it, or say what it does with patches.",
                )

    def add(self, resources: list[Resource], more: list[Resource]) -> None:
        """Append, refusing what is there already."""
        for resource in more:
            twin = next((other for other in resources if other.id.equals(resource.id)), None)
            if twin is not None:
                raise RenderError(
                    f"may not add resource with an already registered id: {resource.id}",
                    at=resource.place,
                    next_step=f"It is also at {twin.place}. Rename one, or list the file once.",
                )
            resources.append(resource)

    def load(self, leaf: Leaf) -> list[Resource]:
        """What an entry of `resources:` stands for: a file, or the kustomization in a folder."""
        name, at = text_of(leaf), place_of(leaf)
        if is_remote(name):
            raise RenderError(
                f"{name!r} is a remote base, and canarium fetches none",
                at=at,
                field="resources",
                next_step="Copy it into the repository and refer to it by path.",
            )
        path = _inside(self.file.folder, name, at)
        if self.tree.is_file(path):
            content, file = self.read_file(leaf)
            return read_resources(content, file)
        if not self.tree.is_dir(path):
            raise RenderError(
                f"accumulating resources: {name!r} does not exist: no such file or directory",
                at=at,
                field="resources",
                next_step=self.similar(path),
            )
        return self.child(leaf, is_component=False).accumulate([])

    def similar(self, path: str) -> str:
        """What to do about a path that is not there, naming what is."""
        folder = path.rpartition("/")[0]
        if not self.tree.is_dir(folder):
            return f"There is no folder {folder!r} either; correct the path."
        names = [name for name in self.tree.list(folder) if name not in kustomization.FILE_NAMES]
        known = ", ".join(names[:8]) or "nothing"
        return f"In {folder or 'the root'} there is: {known}. Add the file or correct the path."

    def child(self, leaf: Leaf, *, is_component: bool) -> _Level:
        """The kustomization in the folder that `leaf` names."""
        at = place_of(leaf)
        folder = _inside(self.file.folder, text_of(leaf), at)
        above = (*self.above, self.file.folder)
        for visited in above:
            if visited == folder or not folder or visited.startswith(folder + "/"):
                how = "includes itself" if visited == folder else f"contains {visited or '.'!r}, which led here"
                raise RenderError(
                    f"cycle detected: {folder or '.'!r} {how}",
                    at=at,
                    next_step="A kustomization can't include itself or a folder it lies in. Remove this entry.",
                )
        file = kustomization.read(self.tree, folder, at)
        if file.is_component != is_component:
            raise RenderError(
                f"expected kind {'' if is_component else '!'}= 'Component' for path {folder!r}",
                at=file.place,
                field="kind",
                next_step="List components under components:, everything else under resources:.",
            )
        return _Level(self.tree, self.options, file, above)

    def read_file(self, leaf: Leaf) -> tuple[bytes, str]:
        """The content and path of the file that `leaf` names."""
        name, at = text_of(leaf), place_of(leaf)
        path = _inside(self.file.folder, name, at)
        folder = self.file.folder
        if self.options.restricts_files and folder and not path.startswith(folder + "/"):
            raise RenderError(
                f"security; file {path!r} is not in or below {folder!r}",
                at=at,
                next_step="Move the file into this folder, or give its own folder a kustomization and list that.",
            )
        if not self.tree.is_file(path):
            raise RenderError(f"{name!r} does not exist: no such file", at=at, next_step=self.similar(path))
        return self.tree.read(path), path
