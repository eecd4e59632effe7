"""What the fields that people look up most are for: a sentence each, for `kubectl explain`.

Owns: the sentences, by type and field. Must not know: schemas, how they are shown. A field of an embedded type goes by
the type that embeds it, as in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

_TEXT = """
ObjectMeta
  name The object's name, unique among its kind in the namespace; it cannot change.
  generateName A prefix from which the server makes a unique name when none is given.
  namespace The namespace the object lives in; empty for kinds of the whole cluster.
  labels Keys and values by which objects are selected and grouped.
  annotations Keys and values for tools and people; nothing is selected by them.
  uid What tells the object from every other there ever was, one of the same name included.
  resourceVersion Changes with every write; send it back to have a write refused if somebody else was faster.
  generation Counts the changes of what is wanted (the spec), not of the status.
  creationTimestamp When the server made the object.
  deletionTimestamp When the object was, or will be, deleted; set by the server at the request for it.
  ownerReferences The objects this one belongs to; it is collected once they are all gone.
  finalizers Names that must all be taken off before the object goes away after its deletion.
  managedFields Who set which fields, as server-side apply keeps track of it.
Pod
  metadata The pod's name, labels and the like.
  spec The containers that are wanted, and how they run.
  status How the pod is; written by the node it runs on.
PodSpec
  containers The containers of the pod; at least one, and they start together.
  initContainers Containers that run to their end one after the other before the others start.
  restartPolicy Whether containers that ended start again: Always, OnFailure or Never.
  terminationGracePeriodSeconds How long containers may take to end before they are killed; 30 unless given.
  activeDeadlineSeconds After how many seconds the pod is ended as failed.
  nodeSelector Labels a node must have for the pod to run there.
  nodeName The node the pod runs on; the scheduler fills it in.
  serviceAccountName The ServiceAccount whose identity the pod's processes have.
  affinity Which nodes, and which neighbours, the pod wants or avoids.
  tolerations Taints of nodes that do not keep this pod away.
  volumes Storage that containers can mount, by name.
  imagePullSecrets Secrets with credentials for the images' registries.
  hostNetwork Whether the pod uses its node's network in place of one of its own.
  dnsPolicy How the pod's name resolution is set up.
  priorityClassName The PriorityClass that says how important the pod is.
  securityContext User, group and other security settings for all containers.
  topologySpreadConstraints How pods like this one are spread over zones, nodes or other domains.
  readinessGates Further conditions that must be true before the pod counts as ready.
  schedulingGates While there are any, the scheduler leaves the pod alone.
PodStatus
  phase Where the pod is in its life: Pending, Running, Succeeded, Failed or Unknown.
  conditions Facts about the pod, such as Ready, each true or not since a time.
  podIP The pod's address within the cluster.
  hostIP The address of the node the pod runs on.
  containerStatuses How each container is: its state, restarts and image.
  startTime When the node took the pod on.
  reason A word on why the pod is in this state.
  message A sentence on why the pod is in this state.
  qosClass How the pod fares when resources get scarce, as follows from its requests and limits.
Container
  name The container's name, unique within the pod.
  image The image that is run, with its registry and tag or digest.
  imagePullPolicy When the image is fetched: Always, IfNotPresent or Never.
  command The program and its first arguments, in place of the image's entrypoint.
  args The arguments, in place of the image's command.
  workingDir The folder the program starts in.
  ports Ports the container listens on; for information, and to give them names.
  env Environment variables, one by one.
  envFrom ConfigMaps and Secrets whose keys all become environment variables.
  resources How much processor and memory the container asks for, and its limits.
  volumeMounts Where the pod's volumes appear in the container's file system.
  livenessProbe A check whose failure restarts the container.
  readinessProbe A check whose failure takes the pod out of its Services.
  startupProbe A check that must pass once before the others begin.
  lifecycle What is done right after the start and before the end.
  securityContext Security settings of this container, which go before the pod's.
  terminationMessagePath The file whose content becomes the reason of the container's end.
  restartPolicy Always, on an init container, makes it a sidecar that runs beside the others.
ContainerPort
  containerPort The port's number.
  name A name by which Services and probes can refer to the port.
  protocol TCP, UDP or SCTP; TCP unless given.
EnvVar
  name The variable's name.
  value Its value; $(NAME) stands for variables that are defined before.
  valueFrom Where the value comes from, in place of `value`.
ResourceRequirements
  requests What the scheduler sets aside for the container.
  limits What the container may use at most.
Probe
  httpGet Passes when a GET is answered with a code from 200 to 399.
  tcpSocket Passes when a connection can be opened.
  exec Passes when a command ends with code 0 in the container.
  grpc Passes when the gRPC health service answers SERVING.
  initialDelaySeconds How long after the container's start the checks begin.
  periodSeconds How often it is checked; every 10 seconds unless given.
  timeoutSeconds How long a check may take; 1 second unless given.
  successThreshold How many passes in a row count as success after a failure.
  failureThreshold How many failures in a row count as failure; 3 unless given.
HTTPGetAction
  path The path that is requested.
  port The port's number or name.
  scheme HTTP or HTTPS.
  httpHeaders Headers that are sent along.
Deployment
  metadata The Deployment's name, labels and the like.
  spec How many pods are wanted, and of what form.
  status How many there are, and how a change gets on.
DeploymentSpec
  replicas How many pods are wanted; 1 unless given.
  selector The labels of the pods that belong to it; it must match the template's, and cannot change.
  template The pods that are made; a change of it begins a rollout.
  strategy How pods of the former template are replaced.
  minReadySeconds How long a new pod must be ready before it counts as available.
  revisionHistoryLimit How many former ReplicaSets are kept to go back to; 10 unless given.
  progressDeadlineSeconds How long a rollout may stand still before it is reported as failed; 600 unless given.
  paused Whether changes of the template wait.
DeploymentStrategy
  type RollingUpdate, little by little, or Recreate, all former pods first.
  rollingUpdate How many pods may be missing or too many during a rolling update.
RollingUpdateDeployment
  maxSurge How many pods there may be above the wanted number, as a count or in percent.
  maxUnavailable How many of the wanted pods may be missing, as a count or in percent.
DeploymentStatus
  replicas How many pods there are.
  updatedReplicas How many of them are of the present template.
  readyReplicas How many of them are ready.
  availableReplicas How many have been ready for minReadySeconds.
  unavailableReplicas How many are still missing.
  observedGeneration The generation of the spec that this status is about.
  conditions Facts such as Available and Progressing.
ReplicaSet
  spec How many pods are wanted, and of what form.
  status How many there are.
ReplicaSetSpec
  replicas How many pods are wanted; 1 unless given.
  selector The labels of the pods that belong to it; it cannot change.
  template The pods that are made when some are missing.
  minReadySeconds How long a new pod must be ready before it counts as available.
LabelSelector
  matchLabels Labels that must all be there with these values.
  matchExpressions Requirements of labels that must all be met.
PodTemplateSpec
  metadata Labels and annotations of the pods that are made.
  spec The containers of the pods that are made.
Service
  spec Which pods get the traffic, and under what address and ports.
  status The addresses that a load balancer gave.
ServiceSpec
  selector Labels of the pods that get the traffic.
  ports The ports of the Service, and the pods' ports behind them.
  type Who can reach it: ClusterIP, NodePort, LoadBalancer or ExternalName.
  clusterIP The Service's address within the cluster; None for one without an address of its own.
  externalName The name that a Service of type ExternalName stands for.
  sessionAffinity Whether a client stays with one pod: ClientIP or None.
  externalTrafficPolicy Whether traffic from outside stays on its node: Local or Cluster.
  loadBalancerClass Which load balancer takes care of the Service.
  publishNotReadyAddresses Whether pods that are not ready count as well.
ServicePort
  name The port's name; needed where there are several.
  port The port of the Service.
  targetPort The pods' port behind it, by number or name; the same number unless given.
  nodePort The port on every node, for the types that have one.
  protocol TCP, UDP or SCTP; TCP unless given.
  appProtocol What is spoken on the port, as a hint.
Job
  spec The pods that are run, and how often.
  status How far it got.
JobSpec
  template The pods that are run; their restartPolicy is OnFailure or Never.
  completions How many pods must succeed.
  parallelism How many pods may run at a time.
  backoffLimit How many failures there may be before the Job fails; 6 unless given.
  activeDeadlineSeconds After how many seconds the Job is ended as failed.
  ttlSecondsAfterFinished How many seconds after its end the Job is deleted.
  completionMode Indexed gives every pod a number of its own.
  suspend Whether no pods are run for now.
CronJob
  spec When Jobs are made, and of what form.
  status The Jobs that run, and when the last one began.
CronJobSpec
  schedule When, as five fields of cron: minute, hour, day, month, day of the week.
  timeZone The time zone the schedule is meant in.
  jobTemplate The Jobs that are made.
  concurrencyPolicy What happens when the former Job still runs: Allow, Forbid or Replace.
  suspend Whether no Jobs are made for now.
  startingDeadlineSeconds How late a Job may still start.
  successfulJobsHistoryLimit How many Jobs that succeeded are kept.
  failedJobsHistoryLimit How many Jobs that failed are kept.
Ingress
  spec The rules, and who serves them.
  status The addresses under which it is reached.
IngressSpec
  ingressClassName Which controller serves it.
  rules From hosts and paths to Services.
  tls Hosts that are served over TLS, and the Secrets with their certificates.
  defaultBackend Where requests go that no rule matches.
IngressRule
  host The host name a request must have; any when empty.
  http The paths of that host.
HTTPIngressPath
  path The path, matched as pathType says.
  pathType Exact, Prefix, or as the controller likes (ImplementationSpecific).
  backend The Service that gets the requests.
ConfigMap
  data Settings as text, by key.
  binaryData Settings that are no text, in base64, by key.
  immutable Whether the settings can no longer change.
Secret
  data Values in base64, by key.
  stringData Values as plain text, which the server adds to `data`; never shown.
  type What the Secret is for, and so which keys it has.
  immutable Whether the values can no longer change.
HorizontalPodAutoscalerSpec
  scaleTargetRef The workload that is scaled.
  minReplicas How many pods there are at least; 1 unless given.
  maxReplicas How many pods there are at most.
  metrics What the number of pods follows from.
  behavior How fast it goes up and down.
  targetCPUUtilizationPercentage The processor use that is aimed at, in percent of the requests.
PodDisruptionBudgetSpec
  selector Labels of the pods that are counted.
  minAvailable How many of them must stay, as a count or in percent.
  maxUnavailable How many of them may be missing, as a count or in percent.
  unhealthyPodEvictionPolicy Whether pods that are not ready may be evicted regardless of the budget.
"""
"""A line per type, and indented below it one per field: its name and the sentence."""


@cache
def _parsed() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    for line in _TEXT.strip().splitlines():
        if line.startswith("  "):
            name, _, sentence = line.strip().partition(" ")
            fields[name] = sentence
        else:
            fields = found.setdefault(line, {})
    return found


def descriptions_of(type_name: str) -> Mapping[str, str]:
    """Sentences about the fields of a type, by field; empty for a type that nothing is said about."""
    return _parsed().get(type_name, {})


def described_types() -> Mapping[str, Mapping[str, str]]:
    """All sentences, by type and field."""
    return _parsed()
