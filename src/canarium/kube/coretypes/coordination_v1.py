"""The types of coordination.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := CoordinatedLeaseStrategy
Lease = ^:TypeMeta metadata@1:ObjectMeta spec@2:LeaseSpec
LeaseSpec = holderIdentity*@1 leaseDurationSeconds*@2:int32 acquireTime*@3:MicroTime renewTime*@4:MicroTime
    leaseTransitions*@5:int32 strategy*@6:CoordinatedLeaseStrategy preferredHolder*@7
"""
