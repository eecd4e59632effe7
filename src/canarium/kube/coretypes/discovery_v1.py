"""The types of discovery.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := AddressType
EndpointSlice = ^:TypeMeta metadata@1:ObjectMeta addressType!+@4:AddressType endpoints!+@2:[atomic]Endpoint
    ports+@3:[atomic]EndpointPort
Endpoint = addresses!+@1:[set]string conditions@2:EndpointConditions hostname*@3 targetRef*@4:core.ObjectReference
    deprecatedTopology@5:{}string nodeName*@6 zone*@7 hints*@8:EndpointHints
EndpointConditions = ready*@1:bool serving*@2:bool terminating*@3:bool
EndpointHints = forZones@1:[atomic]ForZone forNodes@2:[atomic]ForNode
ForZone = name!+@1
ForNode = name!+@1
EndpointPort = |atomic name*@1 protocol*@2:core.Protocol port*@3:int32 appProtocol*@4
"""
