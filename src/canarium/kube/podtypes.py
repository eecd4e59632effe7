"""The Go types that a pod template is made of: which fields, in which order, printed when empty or not.

Owns: a table of facts about k8s.io/api core/v1 (0.34, whose fields and order include those of 0.29 to 0.33), in the
notation of `canarium.text.gojson`. Must not know: what the fields mean. Hashes and the schema of pod templates in
CustomResourceDefinitions both come from here.
"""

from __future__ import annotations

POD_TYPES = """\
PodTemplateSpec = metadata:ObjectMeta spec:PodSpec
ObjectMeta = name generateName namespace selfLink uid resourceVersion generation:int creationTimestamp:0time
  deletionTimestamp:*time deletionGracePeriodSeconds:*int labels:{}str annotations:{}str
  ownerReferences:[]OwnerReference finalizers:[]str managedFields:[]ManagedFieldsEntry
OwnerReference = apiVersion! kind! name! uid! controller:*bool blockOwnerDeletion:*bool
ManagedFieldsEntry = manager operation apiVersion time:*time fieldsType fieldsV1:*raw subresource
PodSpec = volumes:[]Volume initContainers:[]Container containers!:[]Container ephemeralContainers:[]EphemeralContainer
  restartPolicy terminationGracePeriodSeconds:*int activeDeadlineSeconds:*int dnsPolicy nodeSelector:{}str
  serviceAccountName serviceAccount automountServiceAccountToken:*bool nodeName hostNetwork:bool hostPID:bool
  hostIPC:bool shareProcessNamespace:*bool securityContext:*PodSecurityContext imagePullSecrets:[]LocalObjectReference
  hostname subdomain affinity:*Affinity schedulerName tolerations:[]Toleration hostAliases:[]HostAlias
  priorityClassName priority:*int dnsConfig:*PodDNSConfig readinessGates:[]PodReadinessGate runtimeClassName:*str
  enableServiceLinks:*bool preemptionPolicy:*str overhead:{}quantity
  topologySpreadConstraints:[]TopologySpreadConstraint setHostnameAsFQDN:*bool os:*PodOS hostUsers:*bool
  schedulingGates:[]PodSchedulingGate resourceClaims:[]PodResourceClaim resources:*ResourceRequirements
  hostnameOverride:*str
Volume = name! hostPath:*HostPathVolumeSource emptyDir:*EmptyDirVolumeSource
  gcePersistentDisk:*GCEPersistentDiskVolumeSource awsElasticBlockStore:*AWSElasticBlockStoreVolumeSource
  gitRepo:*GitRepoVolumeSource secret:*SecretVolumeSource nfs:*NFSVolumeSource iscsi:*ISCSIVolumeSource
  glusterfs:*GlusterfsVolumeSource persistentVolumeClaim:*PersistentVolumeClaimVolumeSource rbd:*RBDVolumeSource
  flexVolume:*FlexVolumeSource cinder:*CinderVolumeSource cephfs:*CephFSVolumeSource flocker:*FlockerVolumeSource
  downwardAPI:*DownwardAPIVolumeSource fc:*FCVolumeSource azureFile:*AzureFileVolumeSource
  configMap:*ConfigMapVolumeSource vsphereVolume:*VsphereVirtualDiskVolumeSource quobyte:*QuobyteVolumeSource
  azureDisk:*AzureDiskVolumeSource photonPersistentDisk:*PhotonPersistentDiskVolumeSource
  projected:*ProjectedVolumeSource portworxVolume:*PortworxVolumeSource scaleIO:*ScaleIOVolumeSource
  storageos:*StorageOSVolumeSource csi:*CSIVolumeSource ephemeral:*EphemeralVolumeSource image:*ImageVolumeSource
HostPathVolumeSource = path! type:*str
EmptyDirVolumeSource = medium sizeLimit:*quantity
GCEPersistentDiskVolumeSource = pdName! fsType partition:int readOnly:bool
AWSElasticBlockStoreVolumeSource = volumeID! fsType partition:int readOnly:bool
GitRepoVolumeSource = repository! revision directory
SecretVolumeSource = secretName items:[]KeyToPath defaultMode:*int optional:*bool
KeyToPath = key! path! mode:*int
NFSVolumeSource = server! path! readOnly:bool
ISCSIVolumeSource = targetPortal! iqn! lun!:int iscsiInterface fsType readOnly:bool portals:[]str
  chapAuthDiscovery:bool chapAuthSession:bool secretRef:*LocalObjectReference initiatorName:*str
LocalObjectReference = name
GlusterfsVolumeSource = endpoints! path! readOnly:bool
PersistentVolumeClaimVolumeSource = claimName! readOnly:bool
RBDVolumeSource = monitors!:[]str image! fsType pool user keyring secretRef:*LocalObjectReference readOnly:bool
FlexVolumeSource = driver! fsType secretRef:*LocalObjectReference readOnly:bool options:{}str
CinderVolumeSource = volumeID! fsType readOnly:bool secretRef:*LocalObjectReference
CephFSVolumeSource = monitors!:[]str path user secretFile secretRef:*LocalObjectReference readOnly:bool
FlockerVolumeSource = datasetName datasetUUID
DownwardAPIVolumeSource = items:[]DownwardAPIVolumeFile defaultMode:*int
DownwardAPIVolumeFile = path! fieldRef:*ObjectFieldSelector resourceFieldRef:*ResourceFieldSelector mode:*int
ObjectFieldSelector = apiVersion fieldPath!
ResourceFieldSelector = containerName resource! divisor:quantity
FCVolumeSource = targetWWNs:[]str lun:*int fsType readOnly:bool wwids:[]str
AzureFileVolumeSource = secretName! shareName! readOnly:bool
ConfigMapVolumeSource = name items:[]KeyToPath defaultMode:*int optional:*bool
VsphereVirtualDiskVolumeSource = volumePath! fsType storagePolicyName storagePolicyID
QuobyteVolumeSource = registry! volume! readOnly:bool user group tenant
AzureDiskVolumeSource = diskName! diskURI! cachingMode:*str fsType:*str readOnly:*bool kind:*str
PhotonPersistentDiskVolumeSource = pdID! fsType
ProjectedVolumeSource = sources!:[]VolumeProjection defaultMode:*int
VolumeProjection = secret:*SecretProjection downwardAPI:*DownwardAPIProjection configMap:*ConfigMapProjection
  serviceAccountToken:*ServiceAccountTokenProjection clusterTrustBundle:*ClusterTrustBundleProjection
  podCertificate:*PodCertificateProjection
SecretProjection = name items:[]KeyToPath optional:*bool
DownwardAPIProjection = items:[]DownwardAPIVolumeFile
ConfigMapProjection = name items:[]KeyToPath optional:*bool
ServiceAccountTokenProjection = audience expirationSeconds:*int path!
ClusterTrustBundleProjection = name:*str signerName:*str labelSelector:*LabelSelector optional:*bool path!
LabelSelector = matchLabels:{}str matchExpressions:[]LabelSelectorRequirement
LabelSelectorRequirement = key! operator! values:[]str
PodCertificateProjection = signerName keyType maxExpirationSeconds:*int credentialBundlePath keyPath
  certificateChainPath
PortworxVolumeSource = volumeID! fsType readOnly:bool
ScaleIOVolumeSource = gateway! system! secretRef!:*LocalObjectReference sslEnabled:bool protectionDomain storagePool
  storageMode volumeName fsType readOnly:bool
StorageOSVolumeSource = volumeName volumeNamespace fsType readOnly:bool secretRef:*LocalObjectReference
CSIVolumeSource = driver! readOnly:*bool fsType:*str volumeAttributes:{}str nodePublishSecretRef:*LocalObjectReference
EphemeralVolumeSource = volumeClaimTemplate:*PersistentVolumeClaimTemplate
PersistentVolumeClaimTemplate = metadata:ObjectMeta spec!:PersistentVolumeClaimSpec
PersistentVolumeClaimSpec = accessModes:[]str selector:*LabelSelector resources:VolumeResourceRequirements volumeName
  storageClassName:*str volumeMode:*str dataSource:*TypedLocalObjectReference dataSourceRef:*TypedObjectReference
  volumeAttributesClassName:*str
VolumeResourceRequirements = limits:{}quantity requests:{}quantity
TypedLocalObjectReference = apiGroup!:*str kind! name!
TypedObjectReference = apiGroup!:*str kind! name! namespace:*str
ImageVolumeSource = reference pullPolicy
Container = name! image command:[]str args:[]str workingDir ports:[]ContainerPort envFrom:[]EnvFromSource env:[]EnvVar
  resources:ResourceRequirements resizePolicy:[]ContainerResizePolicy restartPolicy:*str
  restartPolicyRules:[]ContainerRestartRule volumeMounts:[]VolumeMount volumeDevices:[]VolumeDevice
  livenessProbe:*Probe readinessProbe:*Probe startupProbe:*Probe lifecycle:*Lifecycle terminationMessagePath
  terminationMessagePolicy imagePullPolicy securityContext:*SecurityContext stdin:bool stdinOnce:bool tty:bool
ContainerPort = name hostPort:int containerPort!:int protocol hostIP
EnvFromSource = prefix configMapRef:*ConfigMapEnvSource secretRef:*SecretEnvSource
ConfigMapEnvSource = name optional:*bool
SecretEnvSource = name optional:*bool
EnvVar = name! value valueFrom:*EnvVarSource
EnvVarSource = fieldRef:*ObjectFieldSelector resourceFieldRef:*ResourceFieldSelector
  configMapKeyRef:*ConfigMapKeySelector secretKeyRef:*SecretKeySelector fileKeyRef:*FileKeySelector
ConfigMapKeySelector = name key! optional:*bool
SecretKeySelector = name key! optional:*bool
FileKeySelector = volumeName! path! key! optional:*bool
ResourceRequirements = limits:{}quantity requests:{}quantity claims:[]ResourceClaim
ResourceClaim = name! request
ContainerResizePolicy = resourceName! restartPolicy!
ContainerRestartRule = action exitCodes:*ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes = operator values:[]int
VolumeMount = name! readOnly:bool recursiveReadOnly:*str mountPath! subPath mountPropagation:*str subPathExpr
VolumeDevice = name! devicePath!
Probe = exec:*ExecAction httpGet:*HTTPGetAction tcpSocket:*TCPSocketAction grpc:*GRPCAction initialDelaySeconds:int
  timeoutSeconds:int periodSeconds:int successThreshold:int failureThreshold:int terminationGracePeriodSeconds:*int
ExecAction = command:[]str
HTTPGetAction = path port!:intstr host scheme httpHeaders:[]HTTPHeader
HTTPHeader = name! value!
TCPSocketAction = port!:intstr host
GRPCAction = port!:int service!:*str
Lifecycle = postStart:*LifecycleHandler preStop:*LifecycleHandler stopSignal:*str
LifecycleHandler = exec:*ExecAction httpGet:*HTTPGetAction tcpSocket:*TCPSocketAction sleep:*SleepAction
SleepAction = seconds!:int
SecurityContext = capabilities:*Capabilities privileged:*bool seLinuxOptions:*SELinuxOptions
  windowsOptions:*WindowsSecurityContextOptions runAsUser:*int runAsGroup:*int runAsNonRoot:*bool
  readOnlyRootFilesystem:*bool allowPrivilegeEscalation:*bool procMount:*str seccompProfile:*SeccompProfile
  appArmorProfile:*AppArmorProfile
Capabilities = add:[]str drop:[]str
SELinuxOptions = user role type level
WindowsSecurityContextOptions = gmsaCredentialSpecName:*str gmsaCredentialSpec:*str runAsUserName:*str
  hostProcess:*bool
SeccompProfile = type! localhostProfile:*str
AppArmorProfile = type! localhostProfile:*str
EphemeralContainer = name! image command:[]str args:[]str workingDir ports:[]ContainerPort envFrom:[]EnvFromSource
  env:[]EnvVar resources:ResourceRequirements resizePolicy:[]ContainerResizePolicy restartPolicy:*str
  restartPolicyRules:[]ContainerRestartRule volumeMounts:[]VolumeMount volumeDevices:[]VolumeDevice
  livenessProbe:*Probe readinessProbe:*Probe startupProbe:*Probe lifecycle:*Lifecycle terminationMessagePath
  terminationMessagePolicy imagePullPolicy securityContext:*SecurityContext stdin:bool stdinOnce:bool tty:bool
  targetContainerName
PodSecurityContext = seLinuxOptions:*SELinuxOptions windowsOptions:*WindowsSecurityContextOptions runAsUser:*int
  runAsGroup:*int runAsNonRoot:*bool supplementalGroups:[]int supplementalGroupsPolicy:*str fsGroup:*int
  sysctls:[]Sysctl fsGroupChangePolicy:*str seccompProfile:*SeccompProfile appArmorProfile:*AppArmorProfile
  seLinuxChangePolicy:*str
Sysctl = name! value!
Affinity = nodeAffinity:*NodeAffinity podAffinity:*PodAffinity podAntiAffinity:*PodAntiAffinity
NodeAffinity = requiredDuringSchedulingIgnoredDuringExecution:*NodeSelector
  preferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm
NodeSelector = nodeSelectorTerms!:[]NodeSelectorTerm
NodeSelectorTerm = matchExpressions:[]NodeSelectorRequirement matchFields:[]NodeSelectorRequirement
NodeSelectorRequirement = key! operator! values:[]str
PreferredSchedulingTerm = weight!:int preference!:NodeSelectorTerm
PodAffinity = requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm
PodAffinityTerm = labelSelector:*LabelSelector namespaces:[]str topologyKey! namespaceSelector:*LabelSelector
  matchLabelKeys:[]str mismatchLabelKeys:[]str
WeightedPodAffinityTerm = weight!:int podAffinityTerm!:PodAffinityTerm
PodAntiAffinity = requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm
Toleration = key operator value effect tolerationSeconds:*int
HostAlias = ip! hostnames:[]str
PodDNSConfig = nameservers:[]str searches:[]str options:[]PodDNSConfigOption
PodDNSConfigOption = name value:*str
PodReadinessGate = conditionType!
TopologySpreadConstraint = maxSkew!:int topologyKey! whenUnsatisfiable! labelSelector:*LabelSelector minDomains:*int
  nodeAffinityPolicy:*str nodeTaintsPolicy:*str matchLabelKeys:[]str
PodOS = name!
PodSchedulingGate = name!
PodResourceClaim = name! resourceClaimName:*str resourceClaimTemplateName:*str
"""
