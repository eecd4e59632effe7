"""Which fields the kinds of Argo Rollouts have: a table of facts in the notation of `canarium.kube.structural`.

Owns: names, types, required fields, choices and defaults of the v1.10 CustomResourceDefinitions, their pod templates
included. Must not know: what a field means.
"""

from __future__ import annotations

ROLLOUT_TYPES = """\
Rollout = spec!:RolloutSpec status:RolloutStatus
Experiment = spec!:ExperimentSpec status:ExperimentStatus
AnalysisRun = spec!:AnalysisRunSpec status:AnalysisRunStatus
AnalysisTemplate = spec!:AnalysisTemplateSpec
ClusterAnalysisTemplate = spec!:AnalysisTemplateSpec
RolloutSpec = analysis:Analysis minReadySeconds:int paused:bool progressDeadlineAbort:bool progressDeadlineSeconds:int
  replicas:int restartAt:time revisionHistoryLimit:int rollbackWindow:RollbackWindow selector:Selector
  strategy:Strategy template:PodTemplate workloadRef:WorkloadRef
Analysis = successfulRunHistoryLimit:int unsuccessfulRunHistoryLimit:int
RollbackWindow = revisions:int
Selector = matchExpressions:[]MatchExpression matchLabels:{}str
MatchExpression = key! operator! values:[]str
Strategy = blueGreen:BlueGreen canary:Canary
BlueGreen = abortScaleDownDelaySeconds:int activeMetadata:PodTemplateMetadata activeService! antiAffinity:AntiAffinity
  autoPromotionEnabled:bool autoPromotionSeconds:int maxUnavailable:intstr postPromotionAnalysis:RolloutAnalysis
  prePromotionAnalysis:RolloutAnalysis previewMetadata:PodTemplateMetadata previewReplicaCount:int previewService
  scaleDownDelayRevisionLimit:int scaleDownDelaySeconds:int
PodTemplateMetadata = annotations:{}str labels:{}str
AntiAffinity = preferredDuringSchedulingIgnoredDuringExecution:AntiAffinityTerm
  requiredDuringSchedulingIgnoredDuringExecution:object
AntiAffinityTerm = weight!:int
RolloutAnalysis = analysisRunMetadata:PodTemplateMetadata args:[]Arg dryRun:[]DryRun
  measurementRetention:[]MeasurementRetention templates:[]Template
Arg = name! value valueFrom:ValueFrom
ValueFrom = fieldRef:FieldRef podTemplateHashValue
FieldRef = fieldPath!
DryRun = metricName!
MeasurementRetention = limit!:int metricName!
Template = clusterScope:bool templateName
Canary = abortScaleDownDelaySeconds:int analysis:BackgroundAnalysis antiAffinity:AntiAffinity
  canaryMetadata:PodTemplateMetadata canaryService dynamicStableScale:bool maxSurge:intstr maxUnavailable:intstr
  minPodsPerReplicaSet:int pingPong:PingPong replicaProgressThreshold:ReplicaProgressThreshold
  scaleDownDelayRevisionLimit:int scaleDownDelaySeconds:int stableMetadata:PodTemplateMetadata stableService
  steps:[]CanaryStep trafficRouting:TrafficRouting
BackgroundAnalysis = analysisRunMetadata:PodTemplateMetadata args:[]Arg dryRun:[]DryRun
  measurementRetention:[]MeasurementRetention startingStep:int templates:[]Template
PingPong = pingService! pongService!
ReplicaProgressThreshold = type! value!:int
CanaryStep = analysis:RolloutAnalysis experiment:ExperimentStep pause:Pause plugin:Plugin
  setCanaryScale:SetCanaryScale setHeaderRoute:SetHeaderRoute setMirrorRoute:SetMirrorRoute setWeight:int
ExperimentStep = analyses:[]ExperimentAnalysis analysisRunMetadata:PodTemplateMetadata dryRun:[]DryRun duration
  scaleDownDelaySeconds:int templates!:[]StepTemplate
ExperimentAnalysis = args:[]Arg clusterScope:bool name! requiredForCompletion:bool templateName!
StepTemplate = metadata:PodTemplateMetadata name! replicas:int selector:Selector service:Service specRef! weight:int
Service = name
Pause = duration:intstr
Plugin = config:free name!
SetCanaryScale = matchTrafficWeight:bool replicas:int weight:int
SetHeaderRoute = match:[]RouteMatch name
RouteMatch = headerName! headerValue!:HeaderValue
HeaderValue = exact prefix regex
SetMirrorRoute = match:[]MirrorMatch name! percentage:int
MirrorMatch = headers:{}HeaderValue method:HeaderValue path:HeaderValue
TrafficRouting = alb:Alb ambassador:Ambassador apisix:Apisix appMesh:AppMesh istio:Istio managedRoutes:[]NameOnly
  maxTrafficWeight:int nginx:Nginx plugins:free smi:Smi traefik:Traefik
Alb = annotationPrefix ingress ingresses:[]str rootService servicePort!:int stickinessConfig:StickinessConfig
StickinessConfig = durationSeconds!:int64 enabled!:bool
Ambassador = mappings!:[]str
Apisix = route:Route
Route = name! rules:[]str
AppMesh = virtualNodeGroup:VirtualNodeGroup virtualService:VirtualService
VirtualNodeGroup = canaryVirtualNodeRef!:NameOnly stableVirtualNodeRef!:NameOnly
NameOnly = name!
VirtualService = name! routes:[]str
Istio = destinationRule:DestinationRule virtualService:IstioVirtualService virtualServices:[]IstioVirtualService
DestinationRule = additionalSubsetNames:[]str canarySubsetName! name! stableSubsetName!
IstioVirtualService = name! routes:[]str tcpRoutes:[]TcpRoute tlsRoutes:[]TlsRoute
TcpRoute = port:int64
TlsRoute = port:int64 sniHosts:[]str
Nginx = additionalIngressAnnotations:{}str annotationPrefix canaryIngressAnnotations:{}str stableIngress
  stableIngresses:[]str
Smi = rootService trafficSplitName
Traefik = weightedTraefikServiceName!
PodTemplate = metadata:PodTemplateMetadata spec:PodSpec
PodSpec = activeDeadlineSeconds:int64 affinity:Affinity automountServiceAccountToken:bool containers!:[name]Container
  dnsConfig:DnsConfig dnsPolicy enableServiceLinks:bool ephemeralContainers:[name]EphemeralContainer
  hostAliases:[ip]HostAlias hostIPC:bool hostNetwork:bool hostPID:bool hostUsers:bool hostname hostnameOverride
  imagePullSecrets:[name]ImagePullSecret initContainers:[name]Container nodeName nodeSelector:{}str os:NameOnly
  overhead:{}quantity preemptionPolicy priority:int priorityClassName readinessGates:[]ReadinessGate
  resourceClaims:[name]ResourceClaim resources:PodResources restartPolicy runtimeClassName schedulerName
  schedulingGates:[name]NameOnly securityContext:PodSecurityContext serviceAccount serviceAccountName
  setHostnameAsFQDN:bool shareProcessNamespace:bool subdomain terminationGracePeriodSeconds:int64
  tolerations:[]Toleration topologySpreadConstraints:[topologyKey,whenUnsatisfiable]TopologySpreadConstraint
  volumes:any
Affinity = nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAffinity
NodeAffinity = preferredDuringSchedulingIgnoredDuringExecution:[]PreferredNodeTerm
  requiredDuringSchedulingIgnoredDuringExecution:RequiredTerm
PreferredNodeTerm = preference!:Preference weight!:int
Preference = matchExpressions:[]MatchExpression matchFields:[]MatchExpression
RequiredTerm = nodeSelectorTerms!:[]Preference
PodAffinity = preferredDuringSchedulingIgnoredDuringExecution:[]PreferredPodTerm
  requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm
PreferredPodTerm = podAffinityTerm!:PodAffinityTerm weight!:int
PodAffinityTerm = labelSelector:Selector matchLabelKeys:[]str mismatchLabelKeys:[]str namespaceSelector:Selector
  namespaces:[]str topologyKey!
Container = args:[]str command:[]str env:[name]EnvVar envFrom:[]EnvFrom image imagePullPolicy lifecycle:Lifecycle
  livenessProbe:Probe name! ports:[containerPort,protocol]Port readinessProbe:Probe resizePolicy:[]ResizePolicy
  resources:Resources restartPolicy restartPolicyRules:[]RestartPolicyRule securityContext:SecurityContext
  startupProbe:Probe stdin:bool stdinOnce:bool terminationMessagePath terminationMessagePolicy tty:bool
  volumeDevices:[devicePath]VolumeDevice volumeMounts:[mountPath]VolumeMount workingDir
EnvVar = name! value valueFrom:EnvVarSource
EnvVarSource = configMapKeyRef:ConfigMapKeyRef fieldRef:EnvFieldRef fileKeyRef:FileKeyRef
  resourceFieldRef:ResourceFieldRef secretKeyRef:ConfigMapKeyRef
ConfigMapKeyRef = key! name="" optional:bool
EnvFieldRef = apiVersion fieldPath!
FileKeyRef = key! optional:bool=false path! volumeName!
ResourceFieldRef = containerName divisor:quantity resource!
EnvFrom = configMapRef:ConfigMapRef prefix secretRef:ConfigMapRef
ConfigMapRef = name="" optional:bool
Lifecycle = postStart:LifecycleHandler preStop:LifecycleHandler stopSignal
LifecycleHandler = exec:Exec httpGet:HttpGet sleep:Sleep tcpSocket:TcpSocket
Exec = command:[]str
HttpGet = host httpHeaders:[]HttpHeader path port!:intstr scheme
HttpHeader = name! value!
Sleep = seconds!:int64
TcpSocket = host port!:intstr
Probe = exec:Exec failureThreshold:int grpc:Grpc httpGet:HttpGet initialDelaySeconds:int periodSeconds:int
  successThreshold:int tcpSocket:TcpSocket terminationGracePeriodSeconds:int64 timeoutSeconds:int
Grpc = port!:int service=""
Port = containerPort!:int hostIP hostPort:int name protocol="TCP"
ResizePolicy = resourceName! restartPolicy!
Resources = claims:[name]Claim limits:any requests:any
Claim = name! request
RestartPolicyRule = action! exitCodes:ExitCodes
ExitCodes = operator! values:[set]int
SecurityContext = allowPrivilegeEscalation:bool appArmorProfile:AppArmorProfile capabilities:Capabilities
  privileged:bool procMount readOnlyRootFilesystem:bool runAsGroup:int64 runAsNonRoot:bool runAsUser:int64
  seLinuxOptions:SeLinuxOptions seccompProfile:AppArmorProfile windowsOptions:WindowsOptions
AppArmorProfile = localhostProfile type!
Capabilities = add:[]str drop:[]str
SeLinuxOptions = level role type user
WindowsOptions = gmsaCredentialSpec gmsaCredentialSpecName hostProcess:bool runAsUserName
VolumeDevice = devicePath! name!
VolumeMount = mountPath! mountPropagation name! readOnly:bool recursiveReadOnly subPath subPathExpr
DnsConfig = nameservers:[]str options:[]Option searches:[]str
Option = name value
EphemeralContainer = args:[]str command:[]str env:[name]EnvVar envFrom:[]EnvFrom image imagePullPolicy
  lifecycle:Lifecycle livenessProbe:Probe name! ports:[containerPort,protocol]Port readinessProbe:Probe
  resizePolicy:[]ResizePolicy resources:Resources restartPolicy restartPolicyRules:[]RestartPolicyRule
  securityContext:SecurityContext startupProbe:Probe stdin:bool stdinOnce:bool targetContainerName
  terminationMessagePath terminationMessagePolicy tty:bool volumeDevices:[devicePath]VolumeDevice
  volumeMounts:[mountPath]VolumeMount workingDir
HostAlias = hostnames:[]str ip!
ImagePullSecret = name=""
ReadinessGate = conditionType!
ResourceClaim = name! resourceClaimName resourceClaimTemplateName
PodResources = claims:[name]Claim limits:{}quantity requests:{}quantity
PodSecurityContext = appArmorProfile:AppArmorProfile fsGroup:int64 fsGroupChangePolicy runAsGroup:int64
  runAsNonRoot:bool runAsUser:int64 seLinuxChangePolicy seLinuxOptions:SeLinuxOptions seccompProfile:AppArmorProfile
  supplementalGroups:[]int64 supplementalGroupsPolicy sysctls:[]HttpHeader windowsOptions:WindowsOptions
Toleration = effect key operator tolerationSeconds:int64 value
TopologySpreadConstraint = labelSelector:Selector matchLabelKeys:[]str maxSkew!:int minDomains:int nodeAffinityPolicy
  nodeTaintsPolicy topologyKey! whenUnsatisfiable!
WorkloadRef = apiVersion kind name scaleDown
RolloutStatus = HPAReplicas:int abort:bool abortedAt:time alb:AlbStatus albs:[]AlbStatus availableReplicas:int
  blueGreen:BlueGreenStatus canary:CanaryStatus collisionCount:int conditions:[]Condition controllerPause:bool
  currentPodHash currentStepHash currentStepIndex:int duration:Duration message observedGeneration
  pauseConditions:[]PauseCondition phase promoteFull:bool readyReplicas:int replicas:int restartedAt:time selector
  stableRS updatedReplicas:int workloadObservedGeneration
AlbStatus = canaryTargetGroup:CanaryTargetGroup ingress loadBalancer:CanaryTargetGroup
  stableTargetGroup:CanaryTargetGroup
CanaryTargetGroup = arn! fullName name!
BlueGreenStatus = activeSelector postPromotionAnalysisRunStatus:RunStatus
  prePromotionAnalysisRunStatus:RunStatus previewSelector scaleUpPreviewCheckPoint:bool
RunStatus = message name! status!
CanaryStatus = currentBackgroundAnalysisRunStatus:RunStatus currentExperiment
  currentStepAnalysisRunStatus:RunStatus stablePingPong stepPluginStatuses:[]StepPluginStatus
  weights:Weights
StepPluginStatus = backoff disabled:bool executions:int finishedAt:time index!:int message name! operation! phase
  startedAt:time status:free updatedAt:time
Weights = additional:[]Additional canary!:Additional stable!:Additional verified:bool
Additional = podTemplateHash serviceName weight!:int
Condition = lastTransitionTime!:time lastUpdateTime!:time message! reason! status! type!
Duration = completionStatus finishedAt:time manualPauseStartedAt:time rolloutStartedAt:time
  totalManualPauseDurationSeconds:int64
PauseCondition = reason! startTime!:time
ExperimentSpec = analyses:[]ExperimentAnalysisRef analysisRunMetadata:PodTemplateMetadata dryRun:[]DryRun duration
  measurementRetention:[]MeasurementRetention progressDeadlineSeconds:int scaleDownDelaySeconds:int
  templates!:[]ExperimentTemplate terminate:bool
ExperimentAnalysisRef = args:[]TemplateArg clusterScope:bool name! requiredForCompletion:bool templateName!
TemplateArg = name! value valueFrom:TemplateValueFrom
TemplateValueFrom = fieldRef:FieldRef secretKeyRef:SecretKeyRef
SecretKeyRef = key! name!
ExperimentTemplate = minReadySeconds:int name! replicas:int selector!:Selector service:Service template!:PodTemplate
ExperimentStatus = analysisRuns:[]ExperimentAnalysisRun availableAt:time conditions:[]Condition message phase
  templateStatuses:[]TemplateStatus
ExperimentAnalysisRun = analysisRun! message name! phase!
TemplateStatus = availableReplicas!:int collisionCount:int lastTransitionTime:time message name! podTemplateHash
  readyReplicas!:int replicas!:int serviceName status updatedReplicas!:int
AnalysisRunSpec = args:[]TemplateArg dryRun:[]DryRun measurementRetention:[]MeasurementRetention metrics!:[]Metric
  terminate:bool ttlStrategy:TtlStrategy
Metric = consecutiveErrorLimit:intstr consecutiveSuccessLimit:intstr count:intstr failureCondition failureLimit:intstr
  inconclusiveLimit:intstr initialDelay interval name! provider!:Provider successCondition
Provider = cloudWatch:CloudWatch datadog:Datadog graphite:Graphite influxdb:Influxdb job:Job kayenta:Kayenta
  newRelic:NewRelic plugin:free prometheus:Prometheus skywalking:Skywalking wavefront:Graphite web:Web
CloudWatch = interval metricDataQueries!:[]MetricDataQuery
MetricDataQuery = expression id label metricStat:MetricStat period:intstr returnData:bool
MetricStat = metric:CloudWatchMetric period:intstr stat unit
CloudWatchMetric = dimensions:[]Option metricName namespace
Datadog = aggregator(avg|min|max|sum|last|percentile|mean|l2norm|area) apiVersion(v1|v2)="v1" formula interval="5m"
  queries:{}str query requestTimeout="10s" secretRef:SecretRef
SecretRef = name namespaced:bool
Graphite = address query
Influxdb = profile query
Job = metadata:PodTemplateMetadata spec!:JobSpec
JobSpec = activeDeadlineSeconds:int64 backoffLimit:int backoffLimitPerIndex:int completionMode completions:int
  managedBy manualSelector:bool maxFailedIndexes:int parallelism:int podFailurePolicy:PodFailurePolicy
  podReplacementPolicy selector:Selector successPolicy:SuccessPolicy suspend:bool template!:PodTemplate
  ttlSecondsAfterFinished:int
PodFailurePolicy = rules!:[]Rule
Rule = action! onExitCodes:OnExitCodes onPodConditions:[]OnPodCondition
OnExitCodes = containerName operator! values!:[set]int
OnPodCondition = status! type!
SuccessPolicy = rules!:[]SuccessRule
SuccessRule = succeededCount:int succeededIndexes
Kayenta = address! application! canaryConfigName! configurationAccountName! lookback:bool metricsAccountName!
  scopes!:[]Scope storageAccountName! threshold!:Threshold
Scope = controlScope!:ControlScope experimentScope!:ControlScope name!
ControlScope = end region! scope! start step!:int64
Threshold = marginal!:int64 pass!:int64
NewRelic = profile query! timeout:int64
Prometheus = address authentication:Authentication headers:[]Header insecure:bool query rangeQuery:RangeQuery
  timeout:int64
Authentication = basicAuth:BasicAuth oauth2:WebOauth2 sigv4:Sigv4
BasicAuth = password username
WebOauth2 = clientId clientSecret scopes:[]str tokenUrl
Sigv4 = profile region roleArn
Header = key! value!
RangeQuery = end start step
Skywalking = address interval query
Web = authentication:Authentication body headers:[]Header insecure:bool jsonBody:free jsonPath method
  timeoutSeconds:int64 url!
TtlStrategy = secondsAfterCompletion:int secondsAfterFailure:int secondsAfterSuccess:int
AnalysisRunStatus = completedAt:time dryRunSummary:DryRunSummary message metricResults:[]MetricResult phase!
  runSummary:DryRunSummary startedAt:time
DryRunSummary = count:int error:int failed:int inconclusive:int successful:int
MetricResult = consecutiveError:int consecutiveSuccess:int count:int dryRun:bool error:int failed:int inconclusive:int
  measurements:[]Measurement message metadata:{}str name! phase! successful:int
Measurement = finishedAt:time message metadata:{}str phase! resumeAt:time startedAt:time value
AnalysisTemplateSpec = args:[]TemplateArg dryRun:[]DryRun measurementRetention:[]MeasurementRetention metrics:[]Metric
  templates:[]Template
"""
