"""What is asked of kubectl, and what it answers: one transcript for each kind of command.

Owns: the table. Must not know: how it is run.
Source: kubectl 1.31 to 1.37 against an upstream API server; messages of kubernetes apimachinery and kubectl.

A transcript is `$ command`, then what it prints, then `! N` for an exit code other than 0. Every case has a namespace
of its own, which is written NS and is kubectl's default there. `...` stands for any text; what changes from run to run
is masked (<age>, <uid>, <rv>, <time>, <ip>, <hash>, <pod>); runs of blanks count as two, except at a line's begin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

GIVEN = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: NS, labels: {app: web, tier: front}}
data: {colour: blue, size: large}
"""
"""In every case's namespace."""

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS, labels: {given: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.27", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NS}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
"""Also in the namespace of a case that says so; the Deployment is available."""

FILES = {
    "one.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {set: a}}\ndata: {colour: red}\n",
    "one-blue.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {set: a}}\ndata: {colour: blue}\n",
    "two.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, labels: {set: a}}\ndata: {colour: red}\n",
    "typo.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: typo}\ndatum: {colour: red}\n",
    "stale.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, resourceVersion: "1"}\ndata: {a: b}\n',
    "invalid.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: invalid}
spec:
  replicas: -1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
""",
    "foo.yaml": "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: foo}\n",
    "kustomization.yaml": "resources: [one.yaml]\n",
    "rollout.yaml": """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: canary}
spec:
  replicas: 1
  selector: {matchLabels: {app: canary}}
  template:
    metadata: {labels: {app: canary}}
    spec: {containers: [{name: web, image: "nginx:1.27"}]}
  strategy: {canary: {steps: [{setWeight: 50}]}}
""",
    "merge.yaml": "data: {colour: green}\n",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command, what it should print (both streams), and its exit code."""

    command: str
    output: str
    code: int


@dataclass(frozen=True)
class Case:
    """One transcript. gap: why it does not hold yet; then a test that it does not."""

    name: str
    transcript: str
    web: bool = False
    gap: str = ""

    def steps(self) -> Iterator[Step]:
        """Its commands in order."""
        for part in f"\n{self.transcript.strip()}\n".split("\n$ ")[1:]:
            command, _, rest = part.partition("\n")
            output, code = rest.strip("\n"), 0
            *before, last = output.split("\n")
            if last.startswith("! "):
                output, code = "\n".join(before), int(last[2:])
            yield Step(command=command, output=output, code=code)


CASES = (
    # get
    Case("get-table", """
$ kubectl get configmap settings
NAME  DATA  AGE
settings  2  <age>
$ kubectl get cm/settings --no-headers
settings  2  <age>
$ kubectl get secrets
No resources found in NS namespace.
$ kubectl get cm settings --show-labels -L tier
NAME  DATA  AGE  TIER  LABELS
settings  2  <age>  front  app=web,tier=front
"""),
    Case("get-output", """
$ kubectl get cm settings -o name
configmap/settings
$ kubectl get cm settings -o json
{
    "apiVersion": "v1",
    "data": {
        "colour": "blue",
        "size": "large"
    },
    "kind": "ConfigMap",
    "metadata": {
        "creationTimestamp": "<time>",
        "labels": {
            "app": "web",
            "tier": "front"
        },
        "name": "settings",
        "namespace": "NS",
        "resourceVersion": <rv>,
        "uid": "<uid>"
    }
}
$ kubectl get cm settings -o yaml
apiVersion: v1
data:
  colour: blue
  size: large
kind: ConfigMap
metadata:
  creationTimestamp: "<time>"
  labels:
    app: web
    tier: front
  name: settings
  namespace: NS
  resourceVersion: <rv>
  uid: <uid>
$ kubectl get cm settings -o jsonpath='{.data.colour}'
blue
$ kubectl get cm settings -o custom-columns=NAME:.metadata.name,SIZE:.data.size,NONE:.data.none
NAME  SIZE  NONE
settings  large  <none>
$ kubectl get cm settings -o go-template='{{.data.size}}'
large
"""),
    Case("get-wide", """
$ kubectl get deployment web -o wide
NAME  READY  UP-TO-DATE  AVAILABLE  AGE  CONTAINERS  IMAGES  SELECTOR
web  1/1  1  1  <age>  web  nginx:1.27  app=web
$ kubectl get rs
NAME  DESIRED  CURRENT  READY  AGE
web-<hash>  1  1  1  <age>
$ kubectl get pods
NAME  READY  STATUS  RESTARTS  AGE
web-<pod>  1/1  Running  0  <age>
$ kubectl get pods -o wide
NAME  READY  STATUS  RESTARTS  AGE  IP  NODE  NOMINATED NODE  READINESS GATES
web-<pod>  1/1  Running  0  <age>  <ip>  ...  <none>  <none>
$ kubectl get svc web
NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE
web  ClusterIP  <ip>  <none>  80/TCP  <age>
$ kubectl get all
NAME  READY  STATUS  RESTARTS  AGE
pod/web-<pod>  1/1  Running  0  <age>

NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE
service/web  ClusterIP  <ip>  <none>  80/TCP  <age>

NAME  READY  UP-TO-DATE  AVAILABLE  AGE
deployment.apps/web  1/1  1  1  <age>

NAME  DESIRED  CURRENT  READY  AGE
replicaset.apps/web-<hash>  1  1  1  <age>
""", web=True),
    Case("get-select", """
$ kubectl create configmap b --from-literal=n=1
configmap/b created
$ kubectl create configmap a --from-literal=n=2
configmap/a created
$ kubectl get cm -l app=web -o name
configmap/settings
$ kubectl get cm -l 'tier in (front,back),app!=db' -o name
configmap/settings
$ kubectl get cm -l '!app' --field-selector metadata.name!=kube-root-ca.crt -o name
configmap/a
configmap/b
$ kubectl get cm --field-selector metadata.name=a -o name
configmap/a
$ kubectl get cm a b --sort-by=.data.n -o name
configmap/b
configmap/a
$ kubectl get cm -A --field-selector metadata.name=settings,metadata.namespace=NS
NAMESPACE  NAME  DATA  AGE
NS  settings  2  <age>
$ kubectl get cm --field-selector data.colour=blue
Error from server (BadRequest): Unable to find "/v1, Resource=configmaps" that match label selector "", field selector \
"data.colour=blue": "data.colour" is not a known field selector: only "metadata.name", "metadata.namespace"
! 1
$ kubectl get cm --chunk-size=1 -o name
...configmap/settings
"""),
    Case("get-watch", """
$ kubectl get cm settings -w --request-timeout=1s
NAME  DATA  AGE
settings  2  <age>...
$ kubectl get cm settings -w -o name --request-timeout=1s
configmap/settings...
"""),
    Case("get-refused", """
$ kubectl get foos
error: the server doesn't have a resource type "foos"
! 1
$ kubectl get configmap none
Error from server (NotFound): configmaps "none" not found
! 1
$ kubectl get deploy none
Error from server (NotFound): deployments.apps "none" not found
! 1
$ kubectl get configmap none --ignore-not-found
$ kubectl get -o table2 cm
error: unable to match a printer suitable for the output format "table2", allowed formats are: ...
! 1
$ kubectl get --raw /nothing
Error from server (NotFound): the server could not find the requested resource
! 1
$ kubectl get --raw /healthz
ok
$ kubectl get --raw /readyz
ok
$ kubectl get --raw '/readyz?verbose'
[+]log ok
[+]ping ok
readyz check passed
$ kubectl get --raw /metrics
...apiserver_request_total{...
"""),
    Case("get-file", """
$ cat one.yaml | kubectl create -f -
configmap/one created
$ kubectl get -f one.yaml -f two.yaml
NAME  DATA  AGE
one  1  <age>
Error from server (NotFound): configmaps "two" not found
! 1
$ kubectl get deployment web --subresource=status -o name
deployment.apps/web
$ kubectl get cm/settings deploy/web -o name
configmap/settings
deployment.apps/web
$ kubectl get rs,deploy -o name -l given=web
deployment.apps/web
$ kubectl delete -f one.yaml
configmap "one" deleted...
""", web=True),
    # describe
    Case("describe", """
$ kubectl describe cm settings
Name:  settings
Namespace:  NS
Labels:  app=web
...tier=front
Annotations:  <none>

Data
====
...
BinaryData
====

Events:  <none>
$ kubectl describe deployment web
Name:  web
Namespace:  NS
CreationTimestamp:  ...
Labels:  given=web
Annotations:  deployment.kubernetes.io/revision: 1
Selector:  app=web
Replicas:  1 desired | 1 updated | 1 total | 1 available | 0 unavailable
StrategyType:  RollingUpdate
...NewReplicaSet:  web-<hash> (1/1 replicas created)
Events:
...ScalingReplicaSet...Scaled up replica set web-<hash> from 0 to 1
$ kubectl describe pod -l app=web
Name:  web-<pod>
Namespace:  NS
...Status:  Running
...Ready:  True
...Events:
...
$ kubectl describe svc web
Name:  web
...Endpoints:  <ip>:80
...
$ kubectl describe cm none
Error from server (NotFound): configmaps "none" not found
! 1
""", web=True),
    # create
    Case("create-namespace", """
$ kubectl create namespace NS-more
namespace/NS-more created
$ kubectl get ns NS-more
NAME  STATUS  AGE
NS-more  Active  <age>
$ kubectl create namespace NS-more
Error from server (AlreadyExists): namespaces "NS-more" already exists
! 1
$ kubectl delete namespace NS-more
...namespace "NS-more" deleted
$ kubectl get ns NS-more
Error from server (NotFound): namespaces "NS-more" not found
! 1
"""),
    Case("create-data", """
$ kubectl create configmap c --from-literal=a=b --from-file=one.yaml
configmap/c created
$ kubectl create secret generic s --from-literal=password=x
secret/s created
$ kubectl get secret s
NAME  TYPE  DATA  AGE
s  Opaque  1  <age>
$ kubectl get secret s -o jsonpath='{.data.password}'
eA==
$ kubectl create secret docker-registry d --docker-username=u --docker-password=p --docker-server=example.com
secret/d created
$ kubectl get secret d
NAME  TYPE  DATA  AGE
d  kubernetes.io/dockerconfigjson  1  <age>
"""),
    Case("create-workload", """
$ kubectl create deployment d --image=nginx:1.27 --replicas=2 --port=80
deployment.apps/d created
$ kubectl create job j --image=busybox -- true
job.batch/j created
$ kubectl create cronjob c --image=busybox --schedule='0 0 1 1 *' -- true
cronjob.batch/c created
$ kubectl get cronjob c
NAME  SCHEDULE  TIMEZONE  SUSPEND  ACTIVE  LAST SCHEDULE  AGE
c  0 0 1 1 *  <none>  False  0  <none>  <age>
$ kubectl create job k --from=cronjob/c
job.batch/k created
$ kubectl get deployment d -o jsonpath='{.spec.replicas} {.spec.strategy.rollingUpdate.maxSurge}'
2 25%
"""),
    Case("create-network", """
$ kubectl create service clusterip c --tcp=80:8080
service/c created
$ kubectl create service nodeport n --tcp=80
service/n created
$ kubectl create ingress i --rule=example.com/=c:80
ingress.networking.k8s.io/i created
$ kubectl get ingress i
NAME  CLASS  HOSTS  ADDRESS  PORTS  AGE
i  <none>  example.com  80  <age>
$ kubectl get svc n
NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE
n  NodePort  <ip>  <none>  80:...  <age>
"""),
    Case("create-access", """
$ kubectl create serviceaccount a
serviceaccount/a created
$ kubectl create role r --verb=get,list --resource=pods
role.rbac.authorization.k8s.io/r created
$ kubectl create rolebinding b --role=r --serviceaccount=NS:a
rolebinding.rbac.authorization.k8s.io/b created
$ kubectl create clusterrole NS-c --verb=get --resource=deployments.apps
clusterrole.rbac.authorization.k8s.io/NS-c created
$ kubectl get rolebinding b
NAME  ROLE  AGE
b  Role/r  <age>
$ kubectl create clusterrolebinding NS-b --clusterrole=NS-c --user=u
clusterrolebinding.rbac.authorization.k8s.io/NS-b created
"""),
    Case("create-policy", """
$ kubectl create quota q --hard=pods=10
resourcequota/q created
$ kubectl create poddisruptionbudget p --selector=app=web --min-available=1
poddisruptionbudget.policy/p created
$ kubectl create priorityclass NS-high --value=1000
priorityclass.scheduling.k8s.io/NS-high created
$ kubectl get pdb p
NAME  MIN AVAILABLE  MAX UNAVAILABLE  ALLOWED DISRUPTIONS  AGE
p  1  N/A  0  <age>
"""),
    Case("create-file", """
$ kubectl create -f one.yaml
configmap/one created
$ kubectl create -f one.yaml
Error from server (AlreadyExists): error when creating "one.yaml": configmaps "one" already exists
! 1
$ kubectl create -f foo.yaml
error: resource mapping not found for name: "foo" namespace: "" from "foo.yaml": no matches for kind "Foo" in version \
"example.com/v1"
ensure CRDs are installed first
! 1
"""),
    Case("create-invalid", """
$ kubectl create -f invalid.yaml
The Deployment "invalid" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0
! 1
$ kubectl create configmap Bad_Name
error: failed to create configmap: ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a \
lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end \
with an alphanumeric character (e.g. 'example.com', regex used for validation is \
'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
! 1
"""),
    Case("create-nowhere", """
$ kubectl create configmap x -n none
error: failed to create configmap: namespaces "none" not found
! 1
$ kubectl create -n none -f one.yaml
Error from server (NotFound): error when creating "one.yaml": namespaces "none" not found
! 1
"""),
    Case("immutable", """
$ kubectl patch deployment web -p '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}'
The Deployment "web" is invalid:...
* spec.selector: Invalid value: ...: field is immutable...
! 1
$ kubectl patch cm settings -p '{"immutable":true}'
configmap/settings patched
$ kubectl patch cm settings -p '{"data":{"colour":"red"}}'
The ConfigMap "settings" is invalid: data: Forbidden: field is immutable when `immutable` is set
! 1
""", web=True),
    Case("create-strict", """
$ kubectl create -f typo.yaml --validate=strict
Error from server (BadRequest): error when creating "typo.yaml": ConfigMap in version "v1" cannot be handled as a \
ConfigMap: strict decoding error: unknown field "datum"
! 1
$ kubectl create -f typo.yaml --validate=warn
Warning: unknown field "datum"
configmap/typo created
"""),
    # apply, diff
    Case("apply", """
$ kubectl apply -f one.yaml
configmap/one created
$ kubectl apply -f one.yaml
configmap/one unchanged
$ kubectl apply -f one-blue.yaml
configmap/one configured
$ kubectl get cm one -o jsonpath='{.data.colour}'
blue
$ kubectl apply view-last-applied cm one
apiVersion: v1
data:
  colour: blue
kind: ConfigMap
...
$ kubectl apply -f one.yaml -f two.yaml --prune -l set=a --prune-allowlist=core/v1/ConfigMap
configmap/one configured
configmap/two created
$ kubectl apply -f one.yaml --prune -l set=a --prune-allowlist=core/v1/ConfigMap
configmap/one unchanged
configmap/two pruned
$ kubectl apply -f settings-none.yaml
error: the path "settings-none.yaml" does not exist
! 1
"""),
    Case("apply-server", """
$ kubectl apply --server-side -f one.yaml
configmap/one serverside-applied
$ kubectl apply --server-side --field-manager=other -f one-blue.yaml
error: Apply failed with 1 conflict: conflict with "kubectl": .data.colour
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
! 1
$ kubectl apply --server-side --field-manager=other --force-conflicts -f one-blue.yaml
configmap/one serverside-applied
$ kubectl get cm one -o jsonpath='{.data.colour}'
blue
"""),
    Case("diff", """
$ kubectl apply -f one.yaml
configmap/one created
$ kubectl diff -f one.yaml
$ kubectl diff -f one-blue.yaml
diff -u -N ...
 data:
-  colour: red
+  colour: blue
 kind: ConfigMap
...
! 1
$ kubectl diff --server-side --force-conflicts -f one-blue.yaml
...+  colour: blue
...
! 1
"""),
    # change
    Case("edit", """
$ KUBE_EDITOR='sed -i s/blue/green/' kubectl edit cm settings
configmap/settings edited
$ KUBE_EDITOR='sed -i s/nothing/green/' kubectl edit cm settings
Edit cancelled, no changes made.
$ kubectl get cm settings -o jsonpath='{.data.colour}'
green
"""),
    Case("patch", """
$ kubectl patch cm settings --type=merge -p '{"data":{"colour":"red","size":null}}'
configmap/settings patched
$ kubectl patch cm settings --type=merge -p '{"data":{"colour":"red"}}'
configmap/settings patched (no change)
$ kubectl patch cm settings --type=json -p '[{"op":"add","path":"/data/a","value":"b"}]'
configmap/settings patched
$ kubectl patch cm settings --patch-file merge.yaml
configmap/settings patched
$ kubectl get cm settings -o jsonpath='{.data}'
{"a":"b","colour":"green"}
$ kubectl patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'
scale.autoscaling/web patched
$ kubectl patch cm none -p '{}'
Error from server (NotFound): configmaps "none" not found
! 1
$ kubectl patch cm settings --type=json -p '[{"op":"remove","path":"/data/none"}]'
The request is invalid: ...
! 1
""", web=True),
    Case("patch-strategic", """
$ kubectl patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:1.28"}]}}}}'
deployment.apps/web patched
$ kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[*].image} {..containerPort}'
nginx:1.28 80
""", web=True),
    Case("patch-strategic-order", """
$ kubectl patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s:1"}]}}}}'
deployment.apps/web patched
$ kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[*].name}'
side web
""", web=True),
    Case("replace", """
$ kubectl create -f one.yaml
configmap/one created
$ kubectl replace -f one-blue.yaml
configmap/one replaced
$ kubectl replace --force -f one.yaml
configmap "one" deleted...
configmap/one replaced
$ kubectl replace -f two.yaml
Error from server (NotFound): error when replacing "two.yaml": configmaps "two" not found
! 1
$ kubectl replace -f stale.yaml
Error from server (Conflict): error when replacing "stale.yaml": Operation cannot be fulfilled on configmaps \
"settings": the object has been modified; please apply your changes to the latest version and try again
! 1
"""),
    Case("label", """
$ kubectl label cm settings a=b
configmap/settings labeled
$ kubectl label cm settings a=b
configmap/settings not labeled
$ kubectl label cm settings a=c
error: 'a' already has a value (b), and --overwrite is false
! 1
$ kubectl label cm settings a=c --overwrite
configmap/settings labeled
$ kubectl label cm settings a-
configmap/settings unlabeled
$ kubectl annotate cm settings note=x
configmap/settings annotated
$ kubectl annotate cm settings note-
configmap/settings annotated
$ kubectl label cm settings a='b c'
error: invalid label value: "a=b c": ...
! 1
"""),
    Case("delete", """
$ kubectl delete cm settings --wait=false
configmap "settings" deleted...
$ kubectl delete cm settings
Error from server (NotFound): configmaps "settings" not found
! 1
$ kubectl delete cm settings --ignore-not-found
$ kubectl create configmap a
configmap/a created
$ kubectl delete cm a --dry-run=server
configmap "a" deleted ...(server dry run)
$ kubectl delete cm --all
configmap "a" deleted...
"""),
    Case("delete-orphan", """
$ kubectl delete deployment web --cascade=orphan
deployment.apps "web" deleted...
$ kubectl get rs,pods -o name
replicaset.apps/web-<hash>
pod/web-<pod>
""", web=True),
    Case("delete-foreground", """
$ kubectl delete deployment web --cascade=foreground
deployment.apps "web" deleted...
$ kubectl get rs -o name
""", web=True),
    Case("delete-background", """
$ kubectl delete deployment web --cascade=background
deployment.apps "web" deleted...
$ kubectl wait --for=delete pod -l app=web --timeout=40s
...
$ kubectl get rs,pods -o name
""", web=True),
    Case("delete-pod", """
$ kubectl delete pod -l app=web --now
pod "web-<pod>" deleted...
$ kubectl delete svc web --grace-period=0 --force
Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource \
may continue to run on the cluster indefinitely.
service "web" force deleted...
""", web=True),
    # workloads
    Case("scale", """
$ kubectl scale deployment web --replicas=2
deployment.apps/web scaled
$ kubectl scale deployment web --current-replicas=7 --replicas=2
error: Expected replicas to be 7, was 2
! 1
$ kubectl scale deployment none --replicas=2
...
! 1
$ kubectl rollout status deployment web --timeout=40s
...deployment "web" successfully rolled out
$ kubectl autoscale deployment web --min=1 --max=3 --cpu-percent=80
...horizontalpodautoscaler.autoscaling/web autoscaled
$ kubectl get hpa web --no-headers
web  Deployment/web  cpu: <unknown>/80%  1  3  ...
""", web=True),
    Case("rollout", """
$ kubectl rollout status deployment web
deployment "web" successfully rolled out
$ kubectl set image deployment/web web=nginx:1.28
deployment.apps/web image updated
$ kubectl set env deployment/web A=b
deployment.apps/web env updated
$ kubectl set resources deployment/web --limits=cpu=200m
deployment.apps/web resource requirements updated
$ kubectl rollout status deployment/web --timeout=40s
...deployment "web" successfully rolled out
$ kubectl rollout history deployment/web
deployment.apps/web
REVISION  CHANGE-CAUSE
1  <none>
2  <none>
3  <none>
4  <none>
$ kubectl rollout undo deployment/web --to-revision=1
deployment.apps/web rolled back
$ kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[0].image}'
nginx:1.27
$ kubectl rollout restart deployment/web
deployment.apps/web restarted
$ kubectl rollout pause deployment/web
deployment.apps/web paused
$ kubectl rollout resume deployment/web
deployment.apps/web resumed
$ kubectl rollout history deployment/web --revision=2
deployment.apps/web with revision #2
Pod Template:
...Image:  nginx:1.28
...
$ kubectl rollout undo deployment/web --to-revision=99
error: unable to find specified revision 99 in history
! 1
""", web=True),
    Case("wait", """
$ kubectl wait deployment/web --for=condition=Available --timeout=20s
deployment.apps/web condition met
$ kubectl wait deployment/web --for=jsonpath='{.status.readyReplicas}'=1 --timeout=20s
deployment.apps/web condition met
$ kubectl wait pod -l app=web --for=condition=Ready --timeout=20s
pod/web-<pod> condition met
$ kubectl wait cm/none --for=delete --timeout=1s
$ kubectl wait deployment/web --for=condition=None --timeout=1s
error: timed out waiting for the condition on deployments/web
! 1
$ kubectl wait cm/none --for=jsonpath='{.data}' --timeout=1s
Error from server (NotFound): configmaps "none" not found
! 1
$ kubectl wait cm/settings --for=create --timeout=2s
configmap/settings condition met
""", web=True),
    Case("logs", """
$ kubectl logs deployment/web --tail=1
...
$ kubectl logs none
error: error from server (NotFound): pods "none" not found in namespace "NS"
! 1
$ kubectl logs deployment/web -c none
error: container none is not valid for pod web-<pod>...
! 1
""", web=True),
    Case("events", """
$ kubectl get events --field-selector reason=ScalingReplicaSet
LAST SEEN  TYPE  REASON  OBJECT  MESSAGE
<age>  Normal  ScalingReplicaSet  deployment/web  Scaled up replica set web-<hash> from 0 to 1
$ kubectl events --for deployment/web
LAST SEEN  TYPE  REASON  OBJECT  MESSAGE
<age>...  Normal  ScalingReplicaSet  Deployment/web  Scaled up replica set web-<hash> from 0 to 1
$ kubectl get events --field-selector involvedObject.kind=Pod,reason=Started --no-headers
<age>  Normal  Started  pod/web-<pod>  ...
""", web=True),
    Case("run", """
$ kubectl run r --image=nginx:1.27 --port=80 --labels=app=r
pod/r created
$ kubectl expose pod r --port=80
service/r exposed
$ kubectl expose deployment web --name=more --port=8080 --target-port=80 --type=NodePort
service/more exposed
$ kubectl wait pod/r --for=condition=Ready --timeout=40s
pod/r condition met
$ kubectl get endpointslices -l kubernetes.io/service-name=r --no-headers
r-...  IPv4  80  <ip>  <age>
""", web=True),
    Case("endpoints", """
$ kubectl get endpoints web --no-headers
...web  <ip>:80  <age>
""", web=True),
    Case("set", """
$ kubectl set selector service web app=other
service/web selector updated
$ kubectl set serviceaccount deployment web default
deployment.apps/web serviceaccount updated
""", web=True),
    Case("node", """
$ kubectl get nodes -o name
node/...
$ kubectl describe nodes
Name:  ...
$ kubectl cordon $(kubectl get nodes -o name | head -1)
node/... cordoned
$ kubectl taint nodes --all NS=x:PreferNoSchedule
node/... tainted
$ kubectl taint nodes --all NS-
node/... untainted
$ kubectl uncordon $(kubectl get nodes -o name | head -1)
node/... uncordoned
"""),
    Case("rollout-kind", """
$ kubectl create -f rollout.yaml
rollout.argoproj.io/canary created
$ kubectl wait rollout/canary --for=jsonpath='{.status.phase}'=Healthy --timeout=40s
rollout.argoproj.io/canary condition met
$ kubectl get ro canary
NAME  DESIRED  CURRENT  UP-TO-DATE  AVAILABLE  AGE
canary  1  1  1  1  <age>
$ kubectl scale rollout canary --replicas=2
rollout.argoproj.io/canary scaled
$ kubectl apply -f rollout.yaml
Warning: resource rollouts/canary is missing the kubectl.kubernetes.io/last-applied-configuration annotation...
rollout.argoproj.io/canary configured
$ kubectl apply --server-side --field-manager=other -f rollout.yaml
rollout.argoproj.io/canary serverside-applied
$ kubectl patch rollout canary --type=merge -p '{"spec":{"replicas":3}}'
rollout.argoproj.io/canary patched
$ kubectl patch rollout canary -p '{"spec":{"replicas":1}}'
error: application/strategic-merge-patch+json is not supported by argoproj.io/v1alpha1, Kind=Rollout: the body of the \
request was in an unknown format - accepted media types include: application/json-patch+json, \
application/merge-patch+json...
! 1
$ kubectl delete rollout canary
rollout.argoproj.io "canary" deleted...
"""),
    Case("kustomize", """
$ kubectl apply -k .
configmap/one created
$ kubectl delete -k .
configmap "one" deleted...
"""),
    Case("exec", """
$ kubectl exec deployment/web -- true
...
! 1
""", web=True),
    Case("job", """
$ kubectl create job j --image=busybox -- true
job.batch/j created
$ kubectl wait --for=condition=complete job/j --timeout=40s
job.batch/j condition met
"""),
    Case("disruptions", """
$ kubectl create poddisruptionbudget p --selector=app=web --min-available=0
poddisruptionbudget.policy/p created
$ kubectl wait pdb/p --for=jsonpath='{.status.currentHealthy}'=1 --timeout=2s
poddisruptionbudget.policy/p condition met
""", web=True),
    Case("quota", """
$ kubectl create quota q --hard=configmaps=1
resourcequota/q created
$ kubectl create configmap more
error: failed to create configmap: configmaps "more" is forbidden: exceeded quota: q, requested: configmaps=1, ...
! 1
""", gap="ResourceQuotas are stored, neither counted nor enforced"),
    Case("forbidden", """
$ kubectl delete namespace default
...Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted
! 1
"""),
    Case("impersonation", """
$ kubectl auth can-i delete pods --as=jane
no
! 1
$ kubectl auth can-i delete pods --as=jane --as-group=system:masters
yes
$ kubectl get cm settings --as=jane -o name
configmap/settings
$ kubectl delete cm settings --as=jane
Error from server (Forbidden): configmaps "settings" is forbidden: User "jane" cannot delete resource "configmaps" \
in API group "" in the namespace "NS"
! 1
$ kubectl auth whoami --as=jane -o jsonpath='{.status.userInfo.username}'
jane
"""),
    Case("impersonation-without-rights", """
$ kubectl auth can-i get pods --as=nobody
no
! 1
$ kubectl get pods --as=nobody
Error from server (Forbidden): pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the \
namespace "NS"
! 1
""", gap="RBAC objects are stored, not enforced: whoever is not an administrator may read"),
    Case("unauthorized", """
$ kubectl get pods --token=bad
error: You must be logged in to the server (Unauthorized)
! 1
"""),
    Case("delete-namespace", """
$ kubectl create namespace NS-full
namespace/NS-full created
$ kubectl create -n NS-full -f one.yaml
configmap/one created
$ kubectl create -n NS-full deployment d --image=nginx:1.27 --replicas=0
deployment.apps/d created
$ kubectl delete namespace NS-full --timeout=20s
...namespace "NS-full" deleted
$ kubectl get cm,deploy,rs -n NS-full -o name
"""),
    # discovery
    Case("resources", """
$ kubectl api-resources --api-group=apps
NAME  SHORTNAMES  APIVERSION  NAMESPACED  KIND
controllerrevisions  apps/v1  true  ControllerRevision
daemonsets  ds  apps/v1  true  DaemonSet
deployments  deploy  apps/v1  true  Deployment
replicasets  rs  apps/v1  true  ReplicaSet
statefulsets  sts  apps/v1  true  StatefulSet
$ kubectl api-resources --api-group=argoproj.io --no-headers -o name --sort-by=name
...rollouts.argoproj.io...
$ kubectl api-versions
...apps/v1
...batch/v1
...
v1
$ kubectl cluster-info
...Kubernetes control plane...is running at ...https://127.0.0.1:...
$ kubectl version -o yaml
clientVersion:
...serverVersion:
...
$ kubectl config view --minify
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: DATA+OMITTED
    server: https://127.0.0.1:...
    token: REDACTED
$ kubectl config current-context
canarium
"""),
    Case("explain", """
$ kubectl explain deployment.spec.replicas
GROUP:  apps
KIND:  Deployment
VERSION:  v1

FIELD: replicas <integer>
...
DESCRIPTION:
    How many pods are wanted...
$ kubectl explain rollout.spec.strategy
GROUP:  argoproj.io
KIND:  Rollout
VERSION:  v1alpha1

FIELD: strategy <Object>
...canary...
$ kubectl explain deployment.spec.nothing
...error: field "nothing" does not exist
! 1
$ kubectl explain nothing
the server doesn't have a resource type "nothing"
! 1
"""),
    Case("auth", """
$ kubectl auth can-i create deployments
yes
$ kubectl auth can-i '*' '*' --all-namespaces
yes
$ kubectl auth can-i --list
Resources  Non-Resource URLs  Resource Names  Verbs
...
$ kubectl auth whoami
ATTRIBUTE  VALUE
Username  ...
Groups  [system:masters...
"""),
    Case("token", """
$ kubectl create serviceaccount a
serviceaccount/a created
$ kubectl create token a --duration=10m
eyJ...
$ kubectl auth can-i delete pods --token=$(kubectl -n NS create token a)
no
! 1
$ kubectl create token a --duration=5s
error: ...may not specify a duration less than 10 minutes
! 1
$ kubectl create token none
error: failed to create token: serviceaccounts "none" not found
! 1
"""),
    Case("dry-run", """
$ kubectl create configmap d --from-literal=a=b --dry-run=server
configmap/d created (server dry run)
$ kubectl get cm d
Error from server (NotFound): configmaps "d" not found
! 1
$ kubectl apply -f one.yaml --dry-run=server
configmap/one created (server dry run)
$ kubectl create configmap d --from-literal=a=b --dry-run=client -o name
configmap/d
$ kubectl label cm settings a=b --dry-run=server
configmap/settings labeled (server dry run)
"""),
)  # fmt: skip
