"""The types of rbac.authorization.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
Role = ^:TypeMeta metadata@1:ObjectMeta rules+@2:[atomic]PolicyRule
PolicyRule = verbs!+@1:[atomic]string apiGroups@2:[atomic]string resources@3:[atomic]string
    resourceNames@4:[atomic]string nonResourceURLs@5:[atomic]string
RoleBinding = ^:TypeMeta metadata@1:ObjectMeta subjects@2:[atomic]Subject roleRef!+@3:RoleRef
Subject = |atomic kind!+@1 apiGroup@2 name!+@3 namespace@4
RoleRef = |atomic apiGroup!+@1 kind!+@2 name!+@3
ClusterRole = ^:TypeMeta metadata@1:ObjectMeta rules+@2:[atomic]PolicyRule aggregationRule*@3:AggregationRule
AggregationRule = clusterRoleSelectors@1:[atomic]LabelSelector
ClusterRoleBinding = ^:TypeMeta metadata@1:ObjectMeta subjects@2:[atomic]Subject roleRef!+@3:RoleRef
"""
