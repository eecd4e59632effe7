"""The types of apiregistration.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, kube-aggregator: field tags and markers of the types.
"""

TYPES = """
string := APIServiceConditionType ConditionStatus
APIService = ^:TypeMeta metadata@1:ObjectMeta spec@2:APIServiceSpec status@3:APIServiceStatus
APIServiceSpec = service*@1:ServiceReference group@2 version@3 insecureSkipTLSVerify@4:bool caBundle@5:bytes
    groupPriorityMinimum!+@7:int32 versionPriority!+@8:int32
ServiceReference = namespace@1 name@2 port*@3:int32
APIServiceStatus = conditions@1:[type]APIServiceCondition|merge:type
APIServiceCondition = type!+@1:APIServiceConditionType status!+@2:ConditionStatus lastTransitionTime@3:Time reason@4
    message@5
"""
