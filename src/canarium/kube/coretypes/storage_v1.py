"""The types of storage.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := FSGroupPolicy VolumeBindingMode VolumeLifecycleMode
StorageClass = ^:TypeMeta metadata@1:ObjectMeta provisioner!+@2 parameters@3:{}string
    reclaimPolicy*@4:core.PersistentVolumeReclaimPolicy mountOptions@5:[atomic]string allowVolumeExpansion*@6:bool
    volumeBindingMode*@7:VolumeBindingMode allowedTopologies@8:[atomic]core.TopologySelectorTerm
VolumeAttachment = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:VolumeAttachmentSpec status@3:VolumeAttachmentStatus
VolumeAttachmentSpec = attacher!+@1 source!+@2:VolumeAttachmentSource nodeName!+@3
VolumeAttachmentSource = persistentVolumeName*@1 inlineVolumeSpec*@2:core.PersistentVolumeSpec
VolumeAttachmentStatus = attached!+@1:bool attachmentMetadata@2:{}string attachError*@3:VolumeError
    detachError*@4:VolumeError
VolumeError = time@1:Time message@2 errorCode*@3:int32
CSIDriver = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:CSIDriverSpec
CSIDriverSpec = attachRequired*@1:bool podInfoOnMount*@2:bool volumeLifecycleModes@3:[set]VolumeLifecycleMode
    storageCapacity*@4:bool fsGroupPolicy*@5:FSGroupPolicy tokenRequests@6:[atomic]TokenRequest
    requiresRepublish*@7:bool seLinuxMount*@8:bool nodeAllocatableUpdatePeriodSeconds*@9:int64
TokenRequest = audience!+@1 expirationSeconds*@2:int64
CSINode = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:CSINodeSpec
CSINodeSpec = drivers!+@1:[name]CSINodeDriver|merge:name
CSINodeDriver = name!+@1 nodeID!+@2 topologyKeys+@3:[atomic]string allocatable*@4:VolumeNodeResources
VolumeNodeResources = count*@1:int32
CSIStorageCapacity = ^:TypeMeta metadata@1:ObjectMeta nodeTopology*@2:LabelSelector storageClassName!+@3
    capacity*@4:Quantity maximumVolumeSize*@5:Quantity
VolumeAttributesClass = ^:TypeMeta metadata@1:ObjectMeta driverName!+@2 parameters@3:{}string
"""
