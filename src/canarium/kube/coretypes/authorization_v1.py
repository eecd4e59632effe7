"""The types of authorization.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
SubjectAccessReview = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:SubjectAccessReviewSpec
    status@3:SubjectAccessReviewStatus
SubjectAccessReviewSpec = resourceAttributes*@1:ResourceAttributes nonResourceAttributes*@2:NonResourceAttributes
    user@3 groups@4:[atomic]string extra@5:{}Strings uid@6
ResourceAttributes = namespace@1 verb@2 group@3 version@4 resource@5 subresource@6 name@7
    fieldSelector*@8:FieldSelectorAttributes labelSelector*@9:LabelSelectorAttributes
FieldSelectorAttributes = rawSelector@1 requirements@2:[atomic]FieldSelectorRequirement
LabelSelectorAttributes = rawSelector@1 requirements@2:[atomic]LabelSelectorRequirement
NonResourceAttributes = path@1 verb@2
SubjectAccessReviewStatus = allowed!+@1:bool denied@4:bool reason@2 evaluationError@3
SelfSubjectAccessReview = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:SelfSubjectAccessReviewSpec
    status@3:SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec = resourceAttributes*@1:ResourceAttributes nonResourceAttributes*@2:NonResourceAttributes
LocalSubjectAccessReview = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:SubjectAccessReviewSpec
    status@3:SubjectAccessReviewStatus
SelfSubjectRulesReview = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:SelfSubjectRulesReviewSpec
    status@3:SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec = namespace@1
SubjectRulesReviewStatus = resourceRules!+@1:[atomic]ResourceRule nonResourceRules!+@2:[atomic]NonResourceRule
    incomplete!+@3:bool evaluationError@4
ResourceRule = verbs!+@1:[atomic]string apiGroups@2:[atomic]string resources@3:[atomic]string
    resourceNames@4:[atomic]string
NonResourceRule = verbs!+@1:[atomic]string nonResourceURLs@2:[atomic]string
"""
