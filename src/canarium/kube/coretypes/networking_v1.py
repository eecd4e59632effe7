"""The types of networking.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := PathType PolicyType
NetworkPolicy = ^:TypeMeta metadata@1:ObjectMeta spec@2:NetworkPolicySpec
NetworkPolicySpec = podSelector+@1:LabelSelector ingress@2:[atomic]NetworkPolicyIngressRule
    egress@3:[atomic]NetworkPolicyEgressRule policyTypes@4:[atomic]PolicyType
NetworkPolicyIngressRule = ports@1:[atomic]NetworkPolicyPort from@2:[atomic]NetworkPolicyPeer
NetworkPolicyPort = protocol*@1:core.Protocol port*@2:IntOrString endPort*@3:int32
NetworkPolicyPeer = podSelector*@1:LabelSelector namespaceSelector*@2:LabelSelector ipBlock*@3:IPBlock
IPBlock = cidr!+@1 except@2:[atomic]string
NetworkPolicyEgressRule = ports@1:[atomic]NetworkPolicyPort to@2:[atomic]NetworkPolicyPeer
Ingress = ^:TypeMeta metadata@1:ObjectMeta spec@2:IngressSpec status@3:IngressStatus
IngressSpec = ingressClassName*@4 defaultBackend*@1:IngressBackend tls@2:[atomic]IngressTLS
    rules@3:[atomic]IngressRule
IngressBackend = service*@4:IngressServiceBackend resource*@3:core.TypedLocalObjectReference
IngressServiceBackend = name!+@1 port@2:ServiceBackendPort
ServiceBackendPort = |atomic name@1 number@2:int32
IngressTLS = hosts@1:[atomic]string secretName@2
IngressRule = host@1 ^@2:IngressRuleValue
IngressRuleValue = http*@1:HTTPIngressRuleValue
HTTPIngressRuleValue = paths!+@1:[atomic]HTTPIngressPath
HTTPIngressPath = path@1 pathType!+*@3:PathType backend!+@2:IngressBackend
IngressStatus = loadBalancer@1:IngressLoadBalancerStatus
IngressLoadBalancerStatus = ingress@1:[atomic]IngressLoadBalancerIngress
IngressLoadBalancerIngress = ip@1 hostname@2 ports@4:[atomic]IngressPortStatus
IngressPortStatus = port!+@1:int32 protocol!+@2:core.Protocol error*@3
IngressClass = ^:TypeMeta metadata@1:ObjectMeta spec@2:IngressClassSpec
IngressClassSpec = controller@1 parameters*@2:IngressClassParametersReference
IngressClassParametersReference = apiGroup*@1 kind!+@2 name!+@3 scope+*@4 namespace*@5
IPAddress = ^:TypeMeta metadata@1:ObjectMeta spec@2:IPAddressSpec
IPAddressSpec = parentRef!*@1:ParentReference
ParentReference = group@1 resource!@2 namespace@3 name!@4
ServiceCIDR = ^:TypeMeta metadata@1:ObjectMeta spec@2:ServiceCIDRSpec status@3:ServiceCIDRStatus
ServiceCIDRSpec = cidrs@1:[atomic]string
ServiceCIDRStatus = conditions@1:[type]Condition|merge:type
"""
