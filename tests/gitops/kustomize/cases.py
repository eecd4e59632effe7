"""Kustomizations to render, each a dict of files with the overlay to build in `root`, unless the name says otherwise.

Used by the differential test (compared with the real Kustomize) and by the behaviour tests.
"""

from __future__ import annotations

from textwrap import dedent


def files(**texts: str) -> dict[str, str]:
    """Files by name: `__` stands for a slash, `_y` at the end for `.yaml`, `_k` for `/kustomization.yaml`."""
    named = {}
    for key, text in texts.items():
        path = key.replace("__", "/")
        path = path[:-2] + "/kustomization.yaml" if path.endswith("_k") else path
        path = path[:-2] + ".yaml" if path.endswith("_y") else path
        named[path.replace("_", "-")] = dedent(text).lstrip("\n")
    return named


DEPLOYMENT = """
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: shop
      labels: {tier: front}
    spec:
      replicas: 2
      selector:
        matchLabels: {app: shop}
      template:
        metadata:
          labels: {app: shop}
        spec:
          serviceAccountName: shop
          containers:
          - name: app
            image: registry.example.com:5000/shop/app:1.0@sha256:abc
            args: [--a, --b]
            ports:
            - containerPort: 80
            - containerPort: 53
              protocol: UDP
            env:
            - name: MODE
              value: fast
            - name: CONFIG
              valueFrom: {configMapKeyRef: {name: settings, key: a}}
            envFrom:
            - secretRef: {name: keys}
            volumeMounts:
            - {name: data, mountPath: /data}
          - name: log
            image: fluent
          initContainers:
          - name: init
            image: shop/init:2
          volumes:
          - name: data
            configMap: {name: settings}
          imagePullSecrets:
          - name: keys
"""
SERVICE = """
    apiVersion: v1
    kind: Service
    metadata: {name: shop}
    spec:
      selector: {app: shop}
      ports:
      - {port: 80, name: http}
      - {port: 53, protocol: UDP, name: dns}
"""
ROLLOUT = """
    apiVersion: argoproj.io/v1alpha1
    kind: Rollout
    metadata:
      name: echo-server
    spec:
      replicas: 2
      revisionHistoryLimit: 3
      selector:
        matchLabels:
          app: echo-server
      template:
        metadata:
          labels:
            app: echo-server
        spec:
          containers:
            - name: echo-server
              image: stefanprodan/podinfo:6.8.0
              imagePullPolicy: IfNotPresent
              ports:
                - name: http
                  containerPort: 9898
              readinessProbe:
                httpGet: {path: /, port: 9898}
                initialDelaySeconds: 2
                periodSeconds: 5
              resources:
                requests: {cpu: 10m, memory: 32Mi}
                limits: {cpu: 100m, memory: 128Mi}
      strategy:
        canary:
          steps:
            - setWeight: 33
            - analysis:
                templates:
                  - templateName: echo-analysis
                args:
                  - name: namespace
                    valueFrom:
                      fieldRef:
                        fieldPath: metadata.namespace
            - setWeight: 66
            - pause: {}
"""
ANALYSIS = """
    apiVersion: argoproj.io/v1alpha1
    kind: AnalysisTemplate
    metadata:
      name: echo-analysis
    spec:
      args:
        - name: namespace
      metrics:
        - name: container-restarts
          count: 1
          failureLimit: 0
          successCondition: result[0] > 0
          provider:
            prometheus:
              address: http://prom-server.prometheus.svc.cluster.local
              query: |
                # there should be no restarts
                sum(increase(kube_pod_container_status_restarts_total{namespace="{{args.namespace}}"}[1m])) or vector(0)
"""
CONFIG_MAP = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: settings}
    data: {a: "1"}
"""
ECHO = {
    "base_k": "resources:\n- rollout.yaml\n- service.yaml\n- analysis-template.yaml\n",
    "base__rollout_y": ROLLOUT,
    "base__service_y": SERVICE.replace("shop", "echo-server"),
    "base__analysis_template_y": ANALYSIS,
}
SHOP = {
    "base_k": "resources: [d.yaml, s.yaml, c.yaml]\n",
    "base__d_y": DEPLOYMENT,
    "base__s_y": SERVICE,
    "base__c_y": CONFIG_MAP,
}
RBAC = """
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: robot}
    ---
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: default}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: reader}
    rules:
    - {apiGroups: [""], resources: [secrets], resourceNames: [keys], verbs: [get]}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: reader}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {name: reads}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
    subjects:
    - {kind: ServiceAccount, name: robot}
    - {kind: ServiceAccount, name: default}
    - {kind: User, name: jane}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: reads-all}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
    subjects:
    - {kind: ServiceAccount, name: robot, namespace: tools}
    - {kind: ServiceAccount, name: default, namespace: tools}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: tools}
    ---
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {name: things.example.com}
    ---
    apiVersion: v1
    kind: PersistentVolume
    metadata: {name: disk}
"""
WORKLOADS = """
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: db}
    spec:
      serviceName: shop
      volumeClaimTemplates:
      - metadata: {name: data}
    ---
    apiVersion: batch/v1
    kind: CronJob
    metadata: {name: nightly}
    spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: "busybox:1"}]}}}}}
    ---
    apiVersion: batch/v1
    kind: Job
    metadata: {name: once}
    spec: {selector: {matchLabels: {a: b}}, template: {spec: {volumes: [{name: x, configMap: {name: settings}}]}}}
    ---
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: scale}
    spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}}
    ---
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: web}
    spec:
      tls: [{secretName: keys}]
      rules:
      - http: {paths: [{path: /, backend: {service: {name: shop, port: {number: 80}}}}]}
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: net}
    spec:
      podSelector: {matchLabels: {app: shop}}
      ingress: [{from: [{podSelector: {matchLabels: {a: b}}}, {namespaceSelector: {}}]}]
    ---
    apiVersion: policy/v1
    kind: PodDisruptionBudget
    metadata: {name: pdb}
    spec: {selector: {matchLabels: {app: shop}}}
"""


def on(parts: dict[str, str], root: str, **more: str) -> dict[str, str]:
    """The base in `parts` with the kustomization `root` on top."""
    return files(**parts, root_k="resources: [../base]\n" + dedent(root).lstrip("\n"), **more)


def inline(patch: str, target: str = "", options: str = "") -> str:
    """A kustomization with one inline patch."""
    text = "patches:\n- patch: |-\n" + "".join(f"    {line}\n" for line in dedent(patch).strip().splitlines())
    return text + (f"  target: {target}\n" if target else "") + (f"  options: {options}\n" if options else "")


POD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n  template:\n    spec:\n"

CASES: dict[str, dict[str, str]] = {
    "the silent canary's staging": on(
        ECHO,
        """
        namespace: echo-staging
        patches:
          - target: {kind: Rollout, name: echo-server}
            patch: |-
              - op: replace
                path: /spec/replicas
                value: 1
        """,
    ),
    "the silent canary's prod, patch in a file": on(
        ECHO,
        """
        namespace: echo-prod
        patches:
          - target: {group: argoproj.io, version: v1alpha1, kind: Rollout, name: echo-server}
            path: replicas.yaml
        """,
        root__replicas_y="- op: replace\n  path: /spec/replicas\n  value: 4\n",
    ),
    "a rollout's containers are replaced by a merge": on(
        ECHO,
        inline(
            """
            apiVersion: argoproj.io/v1alpha1
            kind: Rollout
            metadata: {name: echo-server}
            spec:
              template: {spec: {containers: [{name: echo-server, image: "podinfo:6.9.3"}]}}
            """
        ),
    ),
    "images reach rollouts": on(ECHO, "images: [{name: stefanprodan/podinfo, newTag: 6.9.3}]\n"),
    "labels do not reach a rollout's template": on(
        ECHO, "labels: [{pairs: {team: a}, includeSelectors: true, includeTemplates: true}]\n"
    ),
    "prefixes do not reach a rollout's references": on(ECHO, "namePrefix: my-\nnameSuffix: -x\n"),
    "nothing but resources": on(SHOP, ""),
    "namespace": on(SHOP, "namespace: shop-prod\n"),
    "namespace of cluster scoped kinds and bindings": on(
        {"base_k": "resources: [r.yaml]\n", "base__r_y": RBAC}, "namespace: tools\n"
    ),
    "prefix and suffix with all references": on(
        {
            **SHOP,
            "base_k": "resources: [d.yaml, s.yaml, c.yaml, w.yaml, r.yaml]\n",
            "base__w_y": WORKLOADS,
            "base__r_y": RBAC,
        },
        "namePrefix: my-\nnameSuffix: -v1\n",
    ),
    "two overlays of one base, each with its names": files(
        **SHOP,
        a_k="resources: [../base]\nnamePrefix: a-\nnamespace: one\n",
        b_k="resources: [../base]\nnamePrefix: b-\nnamespace: two\n",
        root_k="resources: [../a, ../b]\nnameSuffix: -x\n",
    ),
    "two overlays of one base in one namespace": files(
        **SHOP,
        a_k="resources: [../base]\nnamePrefix: a-\n",
        b_k="resources: [../base]\nnamePrefix: b-\n",
        root_k="resources: [../a, ../b]\n",
    ),
    "commonLabels": on(
        {**SHOP, "base_k": "resources: [d.yaml, s.yaml, c.yaml, w.yaml]\n", "base__w_y": WORKLOADS},
        'commonLabels: {team: a, tier: back, number: "7"}\n',
    ),
    "labels without selectors": on(SHOP, "labels: [{pairs: {team: a}}]\n"),
    "labels with templates": on(
        {**SHOP, "base_k": "resources: [d.yaml, w.yaml]\n", "base__w_y": WORKLOADS},
        "labels: [{pairs: {team: a}, includeTemplates: true}]\n",
    ),
    "labels with selectors and fields": on(
        SHOP,
        """
        labels:
        - pairs: {team: a}
          includeSelectors: true
          fields: [{path: spec/extra/labels, kind: Service, create: true}, {path: spec/absent, create: false}]
        """,
    ),
    "commonAnnotations": on(
        {**SHOP, "base_k": "resources: [d.yaml, s.yaml, c.yaml, w.yaml]\n", "base__w_y": WORKLOADS},
        "commonAnnotations: {note: hello, empty: ''}\n",
    ),
    "images": on(
        SHOP,
        """
        images:
        - {name: registry.example.com:5000/shop/app, newTag: "2.0"}
        - {name: fluent, newName: quay.io/fluent/bit, digest: sha256:123}
        - {name: shop/init, tagSuffix: -debug}
        - {name: nobody, newTag: x}
        """,
    ),
    "an image renamed twice": on(
        SHOP,
        "images: [{name: fluent, newName: other}, {name: other, newTag: v9}, {name: shop/init, newName: shop/i}]\n",
    ),
    "replicas": on(SHOP, "namePrefix: my-\nreplicas: [{name: shop, count: 5}]\n"),
    "a merge of containers, env, ports and volumes": on(
        SHOP,
        inline(
            POD
            + """
      containers:
      - name: new
        image: new
      - name: app
        args: [--c]
        image: other
        env: [{name: MODE, value: slow}, {name: NEW, value: x}]
        ports:
        - {containerPort: 80, name: http}
        - {containerPort: 53, protocol: TCP}
        - {containerPort: 53, protocol: UDP, name: dns}
        volumeMounts: [{mountPath: /data, readOnly: true}, {mountPath: /tmp, name: tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
      imagePullSecrets: [{name: more}]
"""
        ),
    ),
    "ports without a protocol": on(
        SHOP,
        inline(
            POD
            + """
      containers:
      - name: app
        ports:
        - {containerPort: 53, name: dns}
        - {containerPort: 90}
"""
        ),
    ),
    "nulls and $patch directives": on(
        SHOP,
        inline(
            POD.replace(
                "spec:\n  template",
                "spec:\n  replicas: null\n  strategy: {$patch: replace, type: Recreate}\n  template",
            )
            + """
      serviceAccountName: null
      containers:
      - {name: log, $patch: delete}
      - {name: app, args: null, env: [{$patch: replace}, {name: ONLY, value: x}]}
      volumes:
      - $patch: delete
"""
        ),
    ),
    "$patch: delete of a resource": on(
        SHOP, inline("apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n$patch: delete\n")
    ),
    "$patch: delete under a target": on(
        SHOP, inline("$patch: delete\nkind: Any\nmetadata: {name: any}\n", target="{kind: Service|ConfigMap}")
    ),
    "merge metadata and finalizers": on(
        SHOP,
        inline(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: shop\n  labels: {a: b}\n  finalizers: [x, y]\n"
            "  annotations: {note: hi}\nspec: {selector: {app: null, x: y}, ports: [{port: 80, targetPort: 8080}]}\n"
        ),
    ),
    "several patches in one file": on(
        SHOP,
        "patches: [{path: p.yaml}]\n",
        root__p_y="""
            apiVersion: v1
            kind: Service
            metadata: {name: shop}
            spec: {type: NodePort}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: shop}
            spec: {replicas: 9}
        """,
    ),
    "a target by pattern, label and annotation": on(
        SHOP,
        """
        commonAnnotations: {a: b}
        patches:
        - target: {kind: Deploy.*, labelSelector: "tier in (front,back),!absent"}
          patch: '[{"op": "add", "path": "/metadata/labels/x", "value": "1"}]'
        - target: {name: sh.p, kind: Service}
          patch: '[{"op": "add", "path": "/spec/type", "value": "ClusterIP"}]'
        - target: {name: sho}
          patch: '[{"op": "remove", "path": "/spec"}]'
        - target: {annotationSelector: "a=b"}
          patch: '[{"op": "add", "path": "/metadata/labels/never", "value": "x"}]'
        """,
    ),
    "JSON6902 operations": on(
        SHOP,
        inline(
            """
            - {op: add, path: /spec/template/spec/containers/0/args/-, value: --last}
            - {op: add, path: /spec/template/spec/containers/0/args/0, value: --first}
            - {op: remove, path: /spec/template/spec/containers/1}
            - {op: replace, path: /metadata/labels/tier, value: "on"}
            - {op: add, path: /metadata/annotations, value: {a~b/c: "1"}}
            - {op: replace, path: /metadata/annotations/a~0b~1c, value: "2"}
            - {op: copy, from: /spec/replicas, path: /spec/revisionHistoryLimit}
            - {op: move, from: /spec/template/spec/volumes, path: /spec/template/spec/moved}
            - {op: test, path: /spec/replicas, value: 2}
            """,
            target="{kind: Deployment}",
        ),
    ),
    "patchesJson6902 runs after labels": on(
        SHOP,
        """
        labels: [{pairs: {team: a}}]
        patchesJson6902:
        - target: {version: v1, kind: Service, name: shop}
          patch: |-
            - op: replace
              path: /metadata/labels/team
              value: b
        """,
    ),
    "patchesStrategicMerge from a file and inline": on(
        SHOP,
        """
        patchesStrategicMerge:
        - p.yaml
        - |-
          apiVersion: v1
          kind: Service
          metadata: {name: shop}
          spec: {type: NodePort}
        """,
        root__p_y="apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {replicas: 7}\n",
    ),
    "a patch finds its target by an earlier name": files(
        **SHOP,
        mid_k="resources: [../base]\nnamePrefix: my-\n",
        root_k="resources: [../mid]\n"
        + inline("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {replicas: 3}\n")
        + """- target: {kind: Service, name: my-shop}
  patch: '[{"op": "add", "path": "/spec/type", "value": "NodePort"}]'
""",
    ),
    "a patch may change name and kind when allowed": on(
        SHOP,
        inline(
            "apiVersion: v1\nkind: Thing\nmetadata: {name: renamed}\n",
            target="{kind: ConfigMap}",
            options="{allowNameChange: true, allowKindChange: true}",
        ),
    ),
    "a patch may not change name and kind otherwise": on(
        SHOP,
        inline("apiVersion: v2\nkind: Thing\nmetadata: {name: renamed}\ndata: {b: x}\n", target="{kind: ConfigMap}"),
    ),
    "configMapGenerator": on(
        {**SHOP, "base_k": "resources: [d.yaml, s.yaml]\n"},
        """
        namePrefix: my-
        configMapGenerator:
        - name: settings
          literals: [a=1, b="two words", "c='x=y'", d=]
          files: [notes.txt, renamed=notes.txt]
          envs: [app.env]
        - name: plain
          options: {disableNameSuffixHash: true, labels: {a: b}, annotations: {c: d}, immutable: true}
        generatorOptions:
          labels: {made: "yes", a: never}
        """,
        **{"root__notes.txt": "<b>&\nline two\n", "root__app.env": "# comment\n\nX=1\n  Y=a=b \nZ\n"},
    ),
    "secretGenerator": on(
        {**SHOP, "base_k": "resources: [d.yaml, s.yaml]\n"},
        """
        secretGenerator:
        - name: keys
          type: kubernetes.io/tls
          literals: [token=abc, "long=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]
        - name: other
          namespace: elsewhere
          files: [a.txt]
        """,
        **{"root__a.txt": "é\n"},
    ),
    "generators merge with and replace those of the base": files(
        base__d_y=DEPLOYMENT,
        base_k="""
            resources: [d.yaml]
            configMapGenerator:
            - {name: settings, literals: [a=1, b=2]}
            - {name: other, literals: [a=1], options: {labels: {x: z}}}
            secretGenerator: [{name: keys, literals: [a=1]}]
        """,
        root_k="""
            resources: [../base]
            namePrefix: my-
            configMapGenerator:
            - {name: settings, behavior: merge, literals: [b=3, c=4]}
            - {name: other, behavior: replace, literals: [z=1]}
            secretGenerator: [{name: keys, behavior: merge, literals: [b=2], options: {disableNameSuffixHash: true}}]
        """,
    ),
    "components": files(
        **SHOP,
        extra_k="""
            apiVersion: kustomize.config.k8s.io/v1alpha1
            kind: Component
            resources: [more.yaml]
            namePrefix: c-
            patches:
            - patch: |-
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: shop}
                spec: {replicas: 11}
            configMapGenerator: [{name: settings, behavior: merge, literals: [a=2]}]
        """,
        extra__more_y="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n",
        root_k="resources: [../base]\ncomponents: [../extra]\nnameSuffix: -r\n",
    ),
    "lists, empty documents and local config": on(
        {
            "base_k": "resources: [l.yaml, c.yaml]\n",
            "base__c_y": CONFIG_MAP,
            "base__l_y": """
                ---
                # nothing
                ---
                apiVersion: v1
                kind: List
                items:
                - {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}
                - {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: local, annotations: {config.kubernetes.io/local-config: "true"}}
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: applied, annotations: {config.kubernetes.io/local-config: "false"}}
            """,
        },
        "",
    ),
    "the order of the files": on(
        {
            **SHOP,
            "base_k": "resources: [w.yaml, d.yaml, r.yaml, s.yaml, c.yaml]\n",
            "base__w_y": WORKLOADS,
            "base__r_y": RBAC,
        },
        "sortOptions: {order: fifo}\n",
    ),
    "scalars as Kustomize reads them": on(
        {
            "base_k": "resources: [f.yaml]\n",
            "base__f_y": """
                apiVersion: example.com/v1
                kind: Foo
                metadata: {name: f}
                spec: {a: y, b: on, c: 1e3, d: 0o17, e: 0777, f: 08, g: 2020-01-02, h: ~, i: 1_000, j: 1.0, k: .5,
                  l: "1", m: 2020-01-02T03:04:05.6Z, n: 0x1f, o: NULL, p: yes, q: 1:30, r: "", s: [], t: {}, v: <<}
                anchors: &a {x: 1}
                merged: {<<: *a, y: 2}
                again: *a
            """,
        },
        "",
    ),
    "bases and imageTags, the old names": files(
        **SHOP, root_k="bases: [../base]\nimageTags: [{name: fluent, newTag: v2}]\n"
    ),
    "a nested chain of overlays": files(
        **SHOP,
        one_k="resources: [../base]\nnamePrefix: one-\ncommonLabels: {level: one}\n",
        two_k="resources: [../one]\nnamePrefix: two-\nnamespace: second\n",
        root_k="resources: [../two]\nnameSuffix: -three\nnamespace: third\ncommonAnnotations: {level: three}\n"
        + inline("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {b: x}\n"),
    ),
}

BROKEN: dict[str, dict[str, str]] = {
    "missing resource": files(root_k="resources: [nope.yaml]\n"),
    "missing base": files(root_k="resources: [../nope]\n"),
    "folder without a kustomization": files(root_k="resources: [sub]\n", root__sub__a_y=CONFIG_MAP),
    "no kustomization at all": files(root__a_y=CONFIG_MAP),
    "two kustomization files": {
        "root/kustomization.yaml": "resources: []\n",
        "root/kustomization.yml": "resources: []\n",
    },
    "empty kustomization": files(root_k="# nothing\n"),
    "unknown field": files(root_k="resources: []\nfoo: bar\n"),
    "unknown field of a patch": on(SHOP, "patches: [{ptach: x}]\n"),
    "a wrong type": on(SHOP, "namePrefix: [a]\n"),
    "text where a number is wanted": on(SHOP, 'replicas: [{name: shop, count: "5"}]\n'),
    "a label that is a boolean": on(SHOP, "commonLabels: {a: on}\n"),
    "not YAML": files(root_k="resources: [a.yaml]\n", root__a_y="a: [1\n"),
    "a duplicate key": files(
        root_k="resources: [a.yaml]\n", root__a_y="apiVersion: v1\nkind: A\nmetadata: {name: a}\nspec: {a: 1, a: 2}\n"
    ),
    "a number as a key": files(
        root_k="resources: [a.yaml]\n", root__a_y="apiVersion: v1\nkind: A\nmetadata: {name: a}\nspec: {1: a}\n"
    ),
    "no kind": files(root_k="resources: [a.yaml]\n", root__a_y="apiVersion: v1\nmetadata: {name: a}\n"),
    "no name": files(root_k="resources: [a.yaml]\n", root__a_y="apiVersion: v1\nkind: A\n"),
    "the same resource twice": files(
        root_k="resources: [a.yaml, b.yaml]\n", root__a_y=CONFIG_MAP, root__b_y=CONFIG_MAP
    ),
    "a cycle": files(a_k="resources: [../root]\n", root_k="resources: [../a]\n"),
    "itself": files(root_k="resources: [../root]\n"),
    "a parent": files(root_k="resources: [sub]\n", root__sub_k="resources: [../../root]\n"),
    "a file outside": files(root_k="resources: [../a.yaml]\n", a_y=CONFIG_MAP),
    "a patch for nothing": on(SHOP, inline("apiVersion: v1\nkind: Service\nmetadata: {name: nope}\n")),
    "a patch with the wrong version": on(SHOP, inline("apiVersion: v2\nkind: Service\nmetadata: {name: shop}\n")),
    "a patch of another shape": on(
        SHOP, inline("apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: {a: b}}\n")
    ),
    "a JSON patch path that is not there": on(
        SHOP, inline("- {op: replace, path: /spec/nope/x, value: 1}\n", target="{kind: Service}")
    ),
    "a JSON patch without a target": on(SHOP, inline("- {op: add, path: /spec/x, value: 1}\n")),
    "a failed test": on(SHOP, inline("- {op: test, path: /spec/replicas, value: 9}\n", target="{kind: Deployment}")),
    "an unknown operation": on(SHOP, inline("- {op: ad, path: /a, value: 9}\n", target="{kind: Deployment}")),
    "patch and path": on(SHOP, "patches: [{path: a.yaml, patch: x}]\n"),
    "neither patch nor path": on(SHOP, "patches: [{target: {kind: Service}}]\n"),
    "a patch file that is missing": on(SHOP, "patches: [{path: nope.yaml}]\n"),
    "a broken pattern": on(SHOP, inline("- {op: add, path: /a, value: 9}\n", target='{name: "("}')),
    "replicas of nothing": on(SHOP, "replicas: [{name: nope, count: 1}]\n"),
    "replicas of a rollout": on(ECHO, "replicas: [{name: echo-server, count: 1}]\n"),
    "a namespace that makes two things one": files(
        root_k="resources: [a.yaml, b.yaml]\nnamespace: x\n",
        root__a_y="apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: one}\n",
        root__b_y="apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: two}\n",
    ),
    "a generator without a name": files(root_k="configMapGenerator: [{literals: [a=b]}]\n"),
    "a literal without a value": files(root_k="configMapGenerator: [{name: a, literals: [ab]}]\n"),
    "a repeated key": files(root_k="configMapGenerator: [{name: a, literals: [a=b, a=c]}]\n"),
    "a merge with nothing": files(root_k="configMapGenerator: [{name: a, behavior: merge, literals: [a=b]}]\n"),
    "a generator of what exists": files(
        root_k="resources: [a.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n", root__a_y=CONFIG_MAP
    ),
    "a component as a resource": files(root_k="resources: [../c]\n", c_k="kind: Component\nresources: []\n"),
    "a kustomization as a component": on(SHOP, "components: [../c]\n", c_k="namePrefix: x\n"),
    "a wrong kind": files(root_k="kind: Kustomisation\nresources: []\n"),
    "a wrong apiVersion": files(root_k="apiVersion: v1\nkind: Kustomization\nresources: []\n"),
}
"""What Kustomize refuses, and we do too."""
