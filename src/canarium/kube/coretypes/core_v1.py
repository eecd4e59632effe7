"""The types of v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := AppArmorProfileType AzureDataDiskCachingMode AzureDataDiskKind Capability ClaimResourceStatus
    ComponentConditionType ConditionStatus ContainerRestartPolicy ContainerRestartRuleAction
    ContainerRestartRuleOnExitCodesOperator DNSPolicy FinalizerName HostPathType IPFamily IPFamilyPolicy LimitType
    LoadBalancerIPMode MountPropagationMode NamespaceConditionType NamespacePhase NodeAddressType NodeConditionType
    NodeInclusionPolicy NodePhase NodeSelectorOperator OSName PersistentVolumeAccessMode
    PersistentVolumeClaimConditionType PersistentVolumeClaimModifyVolumeStatus PersistentVolumeClaimPhase
    PersistentVolumeMode PersistentVolumePhase PersistentVolumeReclaimPolicy PodConditionType PodFSGroupChangePolicy
    PodPhase PodQOSClass PodResizeStatus PodSELinuxChangePolicy PreemptionPolicy ProcMountType Protocol PullPolicy
    RecursiveReadOnlyMode ReplicationControllerConditionType ResourceHealthStatus ResourceID ResourceName
    ResourceQuotaScope ResourceResizeRestartPolicy RestartPolicy ScopeSelectorOperator SeccompProfileType SecretType
    ServiceAffinity ServiceExternalTrafficPolicy ServiceInternalTrafficPolicy ServiceType Signal StorageMedium
    SupplementalGroupsPolicy TaintEffect TerminationMessagePolicy TolerationOperator URIScheme UniqueVolumeName
    UnsatisfiableConstraintAction
{ResourceName}Quantity := ResourceList
PodTemplateSpec = metadata@1:ObjectMeta spec@2:PodSpec
PodSpec = volumes@1:[name]Volume|merge&retainKeys:name initContainers@20:[name]Container|merge:name
    containers!+@2:[name]Container|merge:name ephemeralContainers@34:[name]EphemeralContainer|merge:name
    restartPolicy@3:RestartPolicy terminationGracePeriodSeconds*@4:int64 activeDeadlineSeconds*@5:int64
    dnsPolicy@6:DNSPolicy nodeSelector@7:{}string|atomic serviceAccountName@8 serviceAccount@9
    automountServiceAccountToken*@21:bool nodeName@10 hostNetwork@11:bool hostPID@12:bool hostIPC@13:bool
    shareProcessNamespace*@27:bool securityContext*@14:PodSecurityContext
    imagePullSecrets@15:[name]LocalObjectReference|merge:name hostname@16 subdomain@17 affinity*@18:Affinity
    schedulerName@19 tolerations@22:[atomic]Toleration hostAliases@23:[ip]HostAlias|merge:ip priorityClassName@24
    priority*@25:int32 dnsConfig*@26:PodDNSConfig readinessGates@28:[atomic]PodReadinessGate runtimeClassName*@29
    enableServiceLinks*@30:bool preemptionPolicy*@31:PreemptionPolicy overhead@32:ResourceList
    topologySpreadConstraints@33:[topologyKey,whenUnsatisfiable]TopologySpreadConstraint|merge:topologyKey
    setHostnameAsFQDN*@35:bool os*@36:PodOS hostUsers*@37:bool schedulingGates@38:[name]PodSchedulingGate|merge:name
    resourceClaims@39:[name]PodResourceClaim|merge&retainKeys:name resources*@40:ResourceRequirements
    hostnameOverride*@41
Volume = name!+@1 ^@2:VolumeSource
VolumeSource = hostPath*@1:HostPathVolumeSource emptyDir*@2:EmptyDirVolumeSource
    gcePersistentDisk*@3:GCEPersistentDiskVolumeSource awsElasticBlockStore*@4:AWSElasticBlockStoreVolumeSource
    gitRepo*@5:GitRepoVolumeSource secret*@6:SecretVolumeSource nfs*@7:NFSVolumeSource iscsi*@8:ISCSIVolumeSource
    glusterfs*@9:GlusterfsVolumeSource persistentVolumeClaim*@10:PersistentVolumeClaimVolumeSource
    rbd*@11:RBDVolumeSource flexVolume*@12:FlexVolumeSource cinder*@13:CinderVolumeSource
    cephfs*@14:CephFSVolumeSource flocker*@15:FlockerVolumeSource downwardAPI*@16:DownwardAPIVolumeSource
    fc*@17:FCVolumeSource azureFile*@18:AzureFileVolumeSource configMap*@19:ConfigMapVolumeSource
    vsphereVolume*@20:VsphereVirtualDiskVolumeSource quobyte*@21:QuobyteVolumeSource
    azureDisk*@22:AzureDiskVolumeSource photonPersistentDisk*@23:PhotonPersistentDiskVolumeSource
    projected*@26:ProjectedVolumeSource portworxVolume*@24:PortworxVolumeSource scaleIO*@25:ScaleIOVolumeSource
    storageos*@27:StorageOSVolumeSource csi*@28:CSIVolumeSource ephemeral*@29:EphemeralVolumeSource
    image*@30:ImageVolumeSource
HostPathVolumeSource = path!+@1 type*@2:HostPathType
EmptyDirVolumeSource = medium@1:StorageMedium sizeLimit*@2:Quantity
GCEPersistentDiskVolumeSource = pdName!+@1 fsType@2 partition@3:int32 readOnly@4:bool
AWSElasticBlockStoreVolumeSource = volumeID!+@1 fsType@2 partition@3:int32 readOnly@4:bool
GitRepoVolumeSource = repository!+@1 revision@2 directory@3
SecretVolumeSource = secretName@1 items@2:[atomic]KeyToPath defaultMode*@3:int32 optional*@4:bool
KeyToPath = key!+@1 path!+@2 mode*@3:int32
NFSVolumeSource = server!+@1 path!+@2 readOnly@3:bool
ISCSIVolumeSource = targetPortal!+@1 iqn!+@2 lun!+@3:int32 iscsiInterface@4="default" fsType@5 readOnly@6:bool
    portals@7:[atomic]string chapAuthDiscovery@8:bool chapAuthSession@11:bool secretRef*@10:LocalObjectReference
    initiatorName*@12
LocalObjectReference = |atomic name@1=""
GlusterfsVolumeSource = endpoints!+@1 path!+@2 readOnly@3:bool
PersistentVolumeClaimVolumeSource = claimName!+@1 readOnly@2:bool
RBDVolumeSource = monitors!+@1:[atomic]string image!+@2 fsType@3 pool@4="rbd" user@5="admin"
    keyring@6="/etc/ceph/keyring" secretRef*@7:LocalObjectReference readOnly@8:bool
FlexVolumeSource = driver!+@1 fsType@2 secretRef*@3:LocalObjectReference readOnly@4:bool options@5:{}string
CinderVolumeSource = volumeID!+@1 fsType@2 readOnly@3:bool secretRef*@4:LocalObjectReference
CephFSVolumeSource = monitors!+@1:[atomic]string path@2 user@3 secretFile@4 secretRef*@5:LocalObjectReference
    readOnly@6:bool
FlockerVolumeSource = datasetName@1 datasetUUID@2
DownwardAPIVolumeSource = items@1:[atomic]DownwardAPIVolumeFile defaultMode*@2:int32
DownwardAPIVolumeFile = path!+@1 fieldRef*@2:ObjectFieldSelector resourceFieldRef*@3:ResourceFieldSelector
    mode*@4:int32
ObjectFieldSelector = |atomic apiVersion@1 fieldPath!+@2
ResourceFieldSelector = |atomic containerName@1 resource!+@2 divisor@3:Quantity
FCVolumeSource = targetWWNs@1:[atomic]string lun*@2:int32 fsType@3 readOnly@4:bool wwids@5:[atomic]string
AzureFileVolumeSource = secretName!+@1 shareName!+@2 readOnly@3:bool
ConfigMapVolumeSource = ^@1:LocalObjectReference items@2:[atomic]KeyToPath defaultMode*@3:int32 optional*@4:bool
VsphereVirtualDiskVolumeSource = volumePath!+@1 fsType@2 storagePolicyName@3 storagePolicyID@4
QuobyteVolumeSource = registry!+@1 volume!+@2 readOnly@3:bool user@4 group@5 tenant@6
AzureDiskVolumeSource = diskName!+@1 diskURI!+@2 cachingMode*@3:AzureDataDiskCachingMode="ReadWrite" fsType*@4="ext4"
    readOnly*@5:bool=false kind*@6:AzureDataDiskKind="Shared"
PhotonPersistentDiskVolumeSource = pdID!+@1 fsType@2
ProjectedVolumeSource = sources+@1:[atomic]VolumeProjection defaultMode*@2:int32
VolumeProjection = secret*@1:SecretProjection downwardAPI*@2:DownwardAPIProjection configMap*@3:ConfigMapProjection
    serviceAccountToken*@4:ServiceAccountTokenProjection clusterTrustBundle*@5:ClusterTrustBundleProjection
    podCertificate*@6:PodCertificateProjection
SecretProjection = ^@1:LocalObjectReference items@2:[atomic]KeyToPath optional*@4:bool
DownwardAPIProjection = items@1:[atomic]DownwardAPIVolumeFile
ConfigMapProjection = ^@1:LocalObjectReference items@2:[atomic]KeyToPath optional*@4:bool
ServiceAccountTokenProjection = audience@1 expirationSeconds*@2:int64 path!+@3
ClusterTrustBundleProjection = name*@1 signerName*@2 labelSelector*@3:LabelSelector optional*@5:bool path!+@4
PodCertificateProjection = signerName!@1 keyType!@2 maxExpirationSeconds*@3:int32 credentialBundlePath@4 keyPath@5
    certificateChainPath@6
PortworxVolumeSource = volumeID!+@1 fsType@2 readOnly@3:bool
ScaleIOVolumeSource = gateway!+@1 system!+@2 secretRef!+*@3:LocalObjectReference sslEnabled@4:bool protectionDomain@5
    storagePool@6 storageMode@7="ThinProvisioned" volumeName@8 fsType@9="xfs" readOnly@10:bool
StorageOSVolumeSource = volumeName@1 volumeNamespace@2 fsType@3 readOnly@4:bool secretRef*@5:LocalObjectReference
CSIVolumeSource = driver!+@1 readOnly*@2:bool fsType*@3 volumeAttributes@4:{}string
    nodePublishSecretRef*@5:LocalObjectReference
EphemeralVolumeSource = volumeClaimTemplate*@1:PersistentVolumeClaimTemplate
PersistentVolumeClaimTemplate = metadata@1:ObjectMeta spec!+@2:PersistentVolumeClaimSpec
PersistentVolumeClaimSpec = accessModes@1:[atomic]PersistentVolumeAccessMode selector*@4:LabelSelector
    resources@2:VolumeResourceRequirements volumeName@3 storageClassName*@5 volumeMode*@6:PersistentVolumeMode
    dataSource*@7:TypedLocalObjectReference dataSourceRef*@8:TypedObjectReference volumeAttributesClassName*@9
VolumeResourceRequirements = limits@1:ResourceList requests@2:ResourceList
TypedLocalObjectReference = |atomic apiGroup+*@1 kind!+@2 name!+@3
TypedObjectReference = apiGroup+*@1 kind!+@2 name!+@3 namespace*@4
ImageVolumeSource = reference@1 pullPolicy@2:PullPolicy
Container = name!+@1 image@2 command@3:[atomic]string args@4:[atomic]string workingDir@5
    ports@6:[containerPort,protocol]ContainerPort|merge:containerPort envFrom@19:[atomic]EnvFromSource
    env@7:[name]EnvVar|merge:name resources@8:ResourceRequirements resizePolicy@23:[atomic]ContainerResizePolicy
    restartPolicy*@24:ContainerRestartPolicy restartPolicyRules@25:[atomic]ContainerRestartRule
    volumeMounts@9:[mountPath]VolumeMount|merge:mountPath volumeDevices@21:[devicePath]VolumeDevice|merge:devicePath
    livenessProbe*@10:Probe readinessProbe*@11:Probe startupProbe*@22:Probe lifecycle*@12:Lifecycle
    terminationMessagePath@13 terminationMessagePolicy@20:TerminationMessagePolicy imagePullPolicy@14:PullPolicy
    securityContext*@15:SecurityContext stdin@16:bool stdinOnce@17:bool tty@18:bool
ContainerPort = name@1 hostPort@2:int32 containerPort!+@3:int32 protocol@4:Protocol="TCP" hostIP@5
EnvFromSource = prefix@1 configMapRef*@2:ConfigMapEnvSource secretRef*@3:SecretEnvSource
ConfigMapEnvSource = ^@1:LocalObjectReference optional*@2:bool
SecretEnvSource = ^@1:LocalObjectReference optional*@2:bool
EnvVar = name!+@1 value@2 valueFrom*@3:EnvVarSource
EnvVarSource = fieldRef*@1:ObjectFieldSelector resourceFieldRef*@2:ResourceFieldSelector
    configMapKeyRef*@3:ConfigMapKeySelector secretKeyRef*@4:SecretKeySelector fileKeyRef*@5:FileKeySelector
ConfigMapKeySelector = |atomic ^@1:LocalObjectReference key!+@2 optional*@3:bool
SecretKeySelector = |atomic ^@1:LocalObjectReference key!+@2 optional*@3:bool
FileKeySelector = |atomic volumeName!+@1 path!+@2 key!+@3 optional*@4:bool=false
ResourceRequirements = limits@1:ResourceList requests@2:ResourceList claims@3:[name]ResourceClaim
ResourceClaim = name!+@1 request@2
ContainerResizePolicy = resourceName!+@1:ResourceName restartPolicy!+@2:ResourceResizeRestartPolicy
ContainerRestartRule = action!@1:ContainerRestartRuleAction exitCodes*@2:ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes = operator!@1:ContainerRestartRuleOnExitCodesOperator values@2:[set]int32
VolumeMount = name!+@1 readOnly@2:bool recursiveReadOnly*@7:RecursiveReadOnlyMode mountPath!+@3 subPath@4
    mountPropagation*@5:MountPropagationMode subPathExpr@6
VolumeDevice = name!+@1 devicePath!+@2
Probe = ^@1:ProbeHandler initialDelaySeconds@2:int32 timeoutSeconds@3:int32 periodSeconds@4:int32
    successThreshold@5:int32 failureThreshold@6:int32 terminationGracePeriodSeconds*@7:int64
ProbeHandler = exec*@1:ExecAction httpGet*@2:HTTPGetAction tcpSocket*@3:TCPSocketAction grpc*@4:GRPCAction
ExecAction = command@1:[atomic]string
HTTPGetAction = path@1 port!+@2:IntOrString host@3 scheme@4:URIScheme httpHeaders@5:[atomic]HTTPHeader
HTTPHeader = name!+@1 value!+@2
TCPSocketAction = port!+@1:IntOrString host@2
GRPCAction = port!+@1:int32 service+*@2=""
Lifecycle = postStart*@1:LifecycleHandler preStop*@2:LifecycleHandler stopSignal*@3:Signal
LifecycleHandler = exec*@1:ExecAction httpGet*@2:HTTPGetAction tcpSocket*@3:TCPSocketAction sleep*@4:SleepAction
SleepAction = seconds!+@1:int64
SecurityContext = capabilities*@1:Capabilities privileged*@2:bool seLinuxOptions*@3:SELinuxOptions
    windowsOptions*@10:WindowsSecurityContextOptions runAsUser*@4:int64 runAsGroup*@8:int64 runAsNonRoot*@5:bool
    readOnlyRootFilesystem*@6:bool allowPrivilegeEscalation*@7:bool procMount*@9:ProcMountType
    seccompProfile*@11:SeccompProfile appArmorProfile*@12:AppArmorProfile
Capabilities = add@1:[atomic]Capability drop@2:[atomic]Capability
SELinuxOptions = user@1 role@2 type@3 level@4
WindowsSecurityContextOptions = gmsaCredentialSpecName*@1 gmsaCredentialSpec*@2 runAsUserName*@3 hostProcess*@4:bool
SeccompProfile = type!+@1:SeccompProfileType localhostProfile*@2
AppArmorProfile = type!+@1:AppArmorProfileType localhostProfile*@2
EphemeralContainer = ^@1:EphemeralContainerCommon targetContainerName@2
EphemeralContainerCommon = name!+@1 image@2 command@3:[atomic]string args@4:[atomic]string workingDir@5
    ports@6:[containerPort,protocol]ContainerPort|merge:containerPort envFrom@19:[atomic]EnvFromSource
    env@7:[name]EnvVar|merge:name resources@8:ResourceRequirements resizePolicy@23:[atomic]ContainerResizePolicy
    restartPolicy*@24:ContainerRestartPolicy restartPolicyRules@25:[atomic]ContainerRestartRule
    volumeMounts@9:[mountPath]VolumeMount|merge:mountPath volumeDevices@21:[devicePath]VolumeDevice|merge:devicePath
    livenessProbe*@10:Probe readinessProbe*@11:Probe startupProbe*@22:Probe lifecycle*@12:Lifecycle
    terminationMessagePath@13 terminationMessagePolicy@20:TerminationMessagePolicy imagePullPolicy@14:PullPolicy
    securityContext*@15:SecurityContext stdin@16:bool stdinOnce@17:bool tty@18:bool
PodSecurityContext = seLinuxOptions*@1:SELinuxOptions windowsOptions*@8:WindowsSecurityContextOptions
    runAsUser*@2:int64 runAsGroup*@6:int64 runAsNonRoot*@3:bool supplementalGroups@4:[atomic]int64
    supplementalGroupsPolicy*@12:SupplementalGroupsPolicy fsGroup*@5:int64 sysctls@7:[atomic]Sysctl
    fsGroupChangePolicy*@9:PodFSGroupChangePolicy seccompProfile*@10:SeccompProfile
    appArmorProfile*@11:AppArmorProfile seLinuxChangePolicy*@13:PodSELinuxChangePolicy
Sysctl = name!+@1 value!+@2
Affinity = nodeAffinity*@1:NodeAffinity podAffinity*@2:PodAffinity podAntiAffinity*@3:PodAntiAffinity
NodeAffinity = requiredDuringSchedulingIgnoredDuringExecution*@1:NodeSelector
    preferredDuringSchedulingIgnoredDuringExecution@2:[atomic]PreferredSchedulingTerm
NodeSelector = |atomic nodeSelectorTerms!+@1:[atomic]NodeSelectorTerm
NodeSelectorTerm = |atomic matchExpressions@1:[atomic]NodeSelectorRequirement
    matchFields@2:[atomic]NodeSelectorRequirement
NodeSelectorRequirement = key!+@1 operator!+@2:NodeSelectorOperator values@3:[atomic]string
PreferredSchedulingTerm = weight!+@1:int32 preference!+@2:NodeSelectorTerm
PodAffinity = requiredDuringSchedulingIgnoredDuringExecution@1:[atomic]PodAffinityTerm
    preferredDuringSchedulingIgnoredDuringExecution@2:[atomic]WeightedPodAffinityTerm
PodAffinityTerm = labelSelector*@1:LabelSelector namespaces@2:[atomic]string topologyKey!+@3
    namespaceSelector*@4:LabelSelector matchLabelKeys@5:[atomic]string mismatchLabelKeys@6:[atomic]string
WeightedPodAffinityTerm = weight!+@1:int32 podAffinityTerm!+@2:PodAffinityTerm
PodAntiAffinity = requiredDuringSchedulingIgnoredDuringExecution@1:[atomic]PodAffinityTerm
    preferredDuringSchedulingIgnoredDuringExecution@2:[atomic]WeightedPodAffinityTerm
Toleration = key@1 operator@2:TolerationOperator value@3 effect@4:TaintEffect tolerationSeconds*@5:int64
HostAlias = ip!+@1 hostnames@2:[atomic]string
PodDNSConfig = nameservers@1:[atomic]string searches@2:[atomic]string options@3:[atomic]PodDNSConfigOption
PodDNSConfigOption = name@1 value*@2
PodReadinessGate = conditionType!+@1:PodConditionType
TopologySpreadConstraint = maxSkew!+@1:int32 topologyKey!+@2 whenUnsatisfiable!+@3:UnsatisfiableConstraintAction
    labelSelector*@4:LabelSelector minDomains*@5:int32 nodeAffinityPolicy*@6:NodeInclusionPolicy
    nodeTaintsPolicy*@7:NodeInclusionPolicy matchLabelKeys@8:[atomic]string
PodOS = name!+@1:OSName
PodSchedulingGate = name!+@1
PodResourceClaim = name!+@1 resourceClaimName*@3 resourceClaimTemplateName*@4
PersistentVolumeClaim = ^:TypeMeta metadata@1:ObjectMeta spec@2:PersistentVolumeClaimSpec
    status@3:PersistentVolumeClaimStatus
PersistentVolumeClaimStatus = phase@1:PersistentVolumeClaimPhase accessModes@2:[atomic]PersistentVolumeAccessMode
    capacity@3:ResourceList conditions@4:[type]PersistentVolumeClaimCondition|merge:type
    allocatedResources@5:ResourceList allocatedResourceStatuses@7:{ResourceName}ClaimResourceStatus
    currentVolumeAttributesClassName*@8 modifyVolumeStatus*@9:ModifyVolumeStatus
PersistentVolumeClaimCondition = type!+@1:PersistentVolumeClaimConditionType status!+@2:ConditionStatus
    lastProbeTime@3:Time lastTransitionTime@4:Time reason@5 message@6
ModifyVolumeStatus = targetVolumeAttributesClassName@1 status!+@2:PersistentVolumeClaimModifyVolumeStatus
ObjectReference = |atomic kind@1 namespace@2 name@3 uid@4:UID apiVersion@5 resourceVersion@6 fieldPath@7
PersistentVolume = ^:TypeMeta metadata@1:ObjectMeta spec@2:PersistentVolumeSpec status@3:PersistentVolumeStatus
PersistentVolumeSpec = capacity@1:ResourceList ^@2:PersistentVolumeSource
    accessModes@3:[atomic]PersistentVolumeAccessMode claimRef*@4:ObjectReference
    persistentVolumeReclaimPolicy@5:PersistentVolumeReclaimPolicy storageClassName@6 mountOptions@7:[atomic]string
    volumeMode*@8:PersistentVolumeMode nodeAffinity*@9:VolumeNodeAffinity volumeAttributesClassName*@10
PersistentVolumeSource = gcePersistentDisk*@1:GCEPersistentDiskVolumeSource
    awsElasticBlockStore*@2:AWSElasticBlockStoreVolumeSource hostPath*@3:HostPathVolumeSource
    glusterfs*@4:GlusterfsPersistentVolumeSource nfs*@5:NFSVolumeSource rbd*@6:RBDPersistentVolumeSource
    iscsi*@7:ISCSIPersistentVolumeSource cinder*@8:CinderPersistentVolumeSource cephfs*@9:CephFSPersistentVolumeSource
    fc*@10:FCVolumeSource flocker*@11:FlockerVolumeSource flexVolume*@12:FlexPersistentVolumeSource
    azureFile*@13:AzureFilePersistentVolumeSource vsphereVolume*@14:VsphereVirtualDiskVolumeSource
    quobyte*@15:QuobyteVolumeSource azureDisk*@16:AzureDiskVolumeSource
    photonPersistentDisk*@17:PhotonPersistentDiskVolumeSource portworxVolume*@18:PortworxVolumeSource
    scaleIO*@19:ScaleIOPersistentVolumeSource local*@20:LocalVolumeSource
    storageos*@21:StorageOSPersistentVolumeSource csi*@22:CSIPersistentVolumeSource
GlusterfsPersistentVolumeSource = endpoints!+@1 path!+@2 readOnly@3:bool endpointsNamespace*@4
RBDPersistentVolumeSource = monitors!+@1:[atomic]string image!+@2 fsType@3 pool@4="rbd" user@5="admin"
    keyring@6="/etc/ceph/keyring" secretRef*@7:SecretReference readOnly@8:bool
SecretReference = |atomic name@1 namespace@2
ISCSIPersistentVolumeSource = targetPortal!+@1 iqn!+@2 lun!+@3:int32 iscsiInterface@4="default" fsType@5
    readOnly@6:bool portals@7:[atomic]string chapAuthDiscovery@8:bool chapAuthSession@11:bool
    secretRef*@10:SecretReference initiatorName*@12
CinderPersistentVolumeSource = volumeID!+@1 fsType@2 readOnly@3:bool secretRef*@4:SecretReference
CephFSPersistentVolumeSource = monitors!+@1:[atomic]string path@2 user@3 secretFile@4 secretRef*@5:SecretReference
    readOnly@6:bool
FlexPersistentVolumeSource = driver!+@1 fsType@2 secretRef*@3:SecretReference readOnly@4:bool options@5:{}string
AzureFilePersistentVolumeSource = secretName!+@1 shareName!+@2 readOnly@3:bool secretNamespace+*@4
ScaleIOPersistentVolumeSource = gateway!+@1 system!+@2 secretRef!+*@3:SecretReference sslEnabled@4:bool
    protectionDomain@5 storagePool@6 storageMode@7="ThinProvisioned" volumeName@8 fsType@9="xfs" readOnly@10:bool
LocalVolumeSource = path!+@1 fsType*@2
StorageOSPersistentVolumeSource = volumeName@1 volumeNamespace@2 fsType@3 readOnly@4:bool secretRef*@5:ObjectReference
CSIPersistentVolumeSource = driver!+@1 volumeHandle!+@2 readOnly@3:bool fsType@4 volumeAttributes@5:{}string
    controllerPublishSecretRef*@6:SecretReference nodeStageSecretRef*@7:SecretReference
    nodePublishSecretRef*@8:SecretReference controllerExpandSecretRef*@9:SecretReference
    nodeExpandSecretRef*@10:SecretReference
VolumeNodeAffinity = required*@1:NodeSelector
PersistentVolumeStatus = phase@1:PersistentVolumePhase message@2 reason@3 lastPhaseTransitionTime*@4:Time
Pod = ^:TypeMeta metadata@1:ObjectMeta spec@2:PodSpec status@3:PodStatus
PodStatus = observedGeneration@17:int64 phase@1:PodPhase conditions@2:[type]PodCondition|merge:type message@3 reason@4
    nominatedNodeName@11 hostIP@5 hostIPs@16:[atomic]HostIP|merge:ip podIP@6 podIPs@12:[ip]PodIP|merge:ip
    startTime*@7:Time initContainerStatuses@10:[atomic]ContainerStatus containerStatuses@8:[atomic]ContainerStatus
    qosClass@9:PodQOSClass ephemeralContainerStatuses@13:[atomic]ContainerStatus resize@14:PodResizeStatus
    resourceClaimStatuses@15:[name]PodResourceClaimStatus|merge&retainKeys:name
    extendedResourceClaimStatus*@18:PodExtendedResourceClaimStatus
PodCondition = type!+@1:PodConditionType observedGeneration@7:int64 status!+@2:ConditionStatus lastProbeTime@3:Time
    lastTransitionTime@4:Time reason@5 message@6
HostIP = ip!+@1
PodIP = ip!+@1
ContainerStatus = name!+@1 state@2:ContainerState lastState@3:ContainerState ready!+@4:bool restartCount!+@5:int32
    image!+@6 imageID!+@7 containerID@8 started*@9:bool allocatedResources@10:ResourceList
    resources*@11:ResourceRequirements volumeMounts@12:[mountPath]VolumeMountStatus|merge:mountPath
    user*@13:ContainerUser allocatedResourcesStatus@14:[name]ResourceStatus|merge:name stopSignal*@15:Signal
ContainerState = waiting*@1:ContainerStateWaiting running*@2:ContainerStateRunning
    terminated*@3:ContainerStateTerminated
ContainerStateWaiting = reason@1 message@2
ContainerStateRunning = startedAt@1:Time
ContainerStateTerminated = exitCode!+@1:int32 signal@2:int32 reason@3 message@4 startedAt@5:Time finishedAt@6:Time
    containerID@7
VolumeMountStatus = name!+@1 mountPath!+@2 readOnly@3:bool recursiveReadOnly*@4:RecursiveReadOnlyMode
ContainerUser = linux*@1:LinuxContainerUser
LinuxContainerUser = uid!+@1:int64 gid!+@2:int64 supplementalGroups@3:[atomic]int64
ResourceStatus = name!+@1:ResourceName resources@2:[resourceID]ResourceHealth
ResourceHealth = resourceID!+@1:ResourceID health@2:ResourceHealthStatus
PodResourceClaimStatus = name!+@1 resourceClaimName*@2
PodExtendedResourceClaimStatus = requestMappings!+@1:[atomic]ContainerExtendedResourceRequest resourceClaimName!+@2
ContainerExtendedResourceRequest = containerName!+@1 resourceName!+@2 requestName!+@3
PodTemplate = ^:TypeMeta metadata@1:ObjectMeta template@2:PodTemplateSpec
ReplicationController = ^:TypeMeta metadata@1:ObjectMeta spec@2:ReplicationControllerSpec
    status@3:ReplicationControllerStatus
ReplicationControllerSpec = replicas*@1:int32=1 minReadySeconds@4:int32=0 selector@2:{}string|atomic
    template*@3:PodTemplateSpec
ReplicationControllerStatus = replicas!+@1:int32 fullyLabeledReplicas@2:int32 readyReplicas@4:int32
    availableReplicas@5:int32 observedGeneration@3:int64 conditions@6:[type]ReplicationControllerCondition|merge:type
ReplicationControllerCondition = type!+@1:ReplicationControllerConditionType status!+@2:ConditionStatus
    lastTransitionTime@3:Time reason@4 message@5
Service = ^:TypeMeta metadata@1:ObjectMeta spec@2:ServiceSpec status@3:ServiceStatus
ServiceSpec = ports@1:[port,protocol]ServicePort|merge:port selector@2:{}string|atomic clusterIP@3
    clusterIPs@18:[atomic]string type@4:ServiceType externalIPs@5:[atomic]string sessionAffinity@7:ServiceAffinity
    loadBalancerIP@8 loadBalancerSourceRanges@9:[atomic]string externalName@10
    externalTrafficPolicy@11:ServiceExternalTrafficPolicy healthCheckNodePort@12:int32
    publishNotReadyAddresses@13:bool sessionAffinityConfig*@14:SessionAffinityConfig ipFamilies@19:[atomic]IPFamily
    ipFamilyPolicy*@17:IPFamilyPolicy allocateLoadBalancerNodePorts*@20:bool loadBalancerClass*@21
    internalTrafficPolicy*@22:ServiceInternalTrafficPolicy trafficDistribution*@23
ServicePort = name@1 protocol@2:Protocol="TCP" appProtocol*@6 port!+@3:int32 targetPort@4:IntOrString nodePort@5:int32
SessionAffinityConfig = clientIP*@1:ClientIPConfig
ClientIPConfig = timeoutSeconds*@1:int32
ServiceStatus = loadBalancer@1:LoadBalancerStatus conditions@2:[type]Condition|merge:type
LoadBalancerStatus = ingress@1:[atomic]LoadBalancerIngress
LoadBalancerIngress = ip@1 hostname@2 ipMode*@3:LoadBalancerIPMode ports@4:[atomic]PortStatus
PortStatus = port!+@1:int32 protocol!+@2:Protocol error*@3
ServiceAccount = ^:TypeMeta metadata@1:ObjectMeta secrets@2:[name]ObjectReference|merge:name
    imagePullSecrets@3:[atomic]LocalObjectReference automountServiceAccountToken*@4:bool
Endpoints = ^:TypeMeta metadata@1:ObjectMeta subsets@2:[atomic]EndpointSubset
EndpointSubset = addresses@1:[atomic]EndpointAddress notReadyAddresses@2:[atomic]EndpointAddress
    ports@3:[atomic]EndpointPort
EndpointAddress = |atomic ip!+@1 hostname@3 nodeName*@4 targetRef*@2:ObjectReference
EndpointPort = |atomic name@1 port!+@2:int32 protocol@3:Protocol appProtocol*@4
Node = ^:TypeMeta metadata@1:ObjectMeta spec@2:NodeSpec status@3:NodeStatus
NodeSpec = podCIDR@1 podCIDRs@7:[set]string|merge providerID@3 unschedulable@4:bool taints@5:[atomic]Taint
    configSource*@6:NodeConfigSource externalID@2
Taint = key!+@1 value@2 effect!+@3:TaintEffect timeAdded*@4:Time
NodeConfigSource = configMap*@2:ConfigMapNodeConfigSource
ConfigMapNodeConfigSource = namespace!+@1 name!+@2 uid@3:UID resourceVersion@4 kubeletConfigKey!+@5
NodeStatus = capacity@1:ResourceList allocatable@2:ResourceList phase@3:NodePhase
    conditions@4:[type]NodeCondition|merge:type addresses@5:[type]NodeAddress|merge:type
    daemonEndpoints@6:NodeDaemonEndpoints nodeInfo@7:NodeSystemInfo images@8:[atomic]ContainerImage
    volumesInUse@9:[atomic]UniqueVolumeName volumesAttached@10:[atomic]AttachedVolume config*@11:NodeConfigStatus
    runtimeHandlers@12:[atomic]NodeRuntimeHandler features*@13:NodeFeatures
NodeCondition = type!+@1:NodeConditionType status!+@2:ConditionStatus lastHeartbeatTime@3:Time
    lastTransitionTime@4:Time reason@5 message@6
NodeAddress = type!+@1:NodeAddressType address!+@2
NodeDaemonEndpoints = kubeletEndpoint@1:DaemonEndpoint
DaemonEndpoint = Port!+@1:int32
NodeSystemInfo = machineID!+@1 systemUUID!+@2 bootID!+@3 kernelVersion!+@4 osImage!+@5 containerRuntimeVersion!+@6
    kubeletVersion!+@7 kubeProxyVersion!+@8 operatingSystem!+@9 architecture!+@10 swap*@11:NodeSwapStatus
NodeSwapStatus = capacity*@1:int64
ContainerImage = names+@1:[atomic]string sizeBytes@2:int64
AttachedVolume = name!+@1:UniqueVolumeName devicePath!+@2
NodeConfigStatus = assigned*@1:NodeConfigSource active*@2:NodeConfigSource lastKnownGood*@3:NodeConfigSource error@4
NodeRuntimeHandler = name+@1 features*@2:NodeRuntimeHandlerFeatures
NodeRuntimeHandlerFeatures = recursiveReadOnlyMounts*@1:bool userNamespaces*@2:bool
NodeFeatures = supplementalGroupsPolicy*@1:bool
Namespace = ^:TypeMeta metadata@1:ObjectMeta spec@2:NamespaceSpec status@3:NamespaceStatus
NamespaceSpec = finalizers@1:[atomic]FinalizerName
NamespaceStatus = phase@1:NamespacePhase conditions@2:[type]NamespaceCondition|merge:type
NamespaceCondition = type!+@1:NamespaceConditionType status!+@2:ConditionStatus lastTransitionTime@4:Time reason@5
    message@6
Binding = ^:TypeMeta metadata@1:ObjectMeta target!+@2:ObjectReference
Event = ^:TypeMeta metadata!+@1:ObjectMeta involvedObject!+@2:ObjectReference reason@3 message@4 source@5:EventSource
    firstTimestamp@6:Time lastTimestamp@7:Time count@8:int32 type@9 eventTime@10:MicroTime series*@11:EventSeries
    action@12 related*@13:ObjectReference reportingComponent+@14 reportingInstance+@15
EventSource = component@1 host@2
EventSeries = count@1:int32 lastObservedTime@2:MicroTime
LimitRange = ^:TypeMeta metadata@1:ObjectMeta spec@2:LimitRangeSpec
LimitRangeSpec = limits!+@1:[atomic]LimitRangeItem
LimitRangeItem = type!+@1:LimitType max@2:ResourceList min@3:ResourceList default@4:ResourceList
    defaultRequest@5:ResourceList maxLimitRequestRatio@6:ResourceList
ResourceQuota = ^:TypeMeta metadata@1:ObjectMeta spec@2:ResourceQuotaSpec status@3:ResourceQuotaStatus
ResourceQuotaSpec = hard@1:ResourceList scopes@2:[atomic]ResourceQuotaScope scopeSelector*@3:ScopeSelector
ScopeSelector = |atomic matchExpressions@1:[atomic]ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement = scopeName!+@1:ResourceQuotaScope operator!+@2:ScopeSelectorOperator
    values@3:[atomic]string
ResourceQuotaStatus = hard@1:ResourceList used@2:ResourceList
Secret = ^:TypeMeta metadata@1:ObjectMeta immutable*@5:bool data@2:{}bytes stringData@4:{}string type@3:SecretType
ConfigMap = ^:TypeMeta metadata@1:ObjectMeta immutable*@4:bool data@2:{}string binaryData@3:{}bytes
ComponentStatus = ^:TypeMeta metadata@1:ObjectMeta conditions@2:[type]ComponentCondition|merge:type
ComponentCondition = type!+@1:ComponentConditionType status!+@2:ConditionStatus message@3 error@4
TopologySelectorTerm = |atomic matchLabelExpressions@1:[atomic]TopologySelectorLabelRequirement
TopologySelectorLabelRequirement = key!+@1 values!+@2:[atomic]string
"""
