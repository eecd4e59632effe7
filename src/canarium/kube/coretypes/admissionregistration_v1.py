"""The types of admissionregistration.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := FailurePolicyType MatchPolicyType OperationType ParameterNotFoundActionType ReinvocationPolicyType ScopeType
    SideEffectClass ValidationAction
ValidatingAdmissionPolicy = ^:TypeMeta metadata@1:ObjectMeta spec@2:ValidatingAdmissionPolicySpec
    status@3:ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicySpec = paramKind*@1:ParamKind matchConstraints*@2:MatchResources
    validations@3:[atomic]Validation failurePolicy*@4:FailurePolicyType auditAnnotations@5:[atomic]AuditAnnotation
    matchConditions@6:[name]MatchCondition|merge:name variables@7:[name]Variable|merge:name
ParamKind = |atomic apiVersion@1 kind@2
MatchResources = |atomic namespaceSelector*@1:LabelSelector objectSelector*@2:LabelSelector
    resourceRules@3:[atomic]NamedRuleWithOperations excludeResourceRules@4:[atomic]NamedRuleWithOperations
    matchPolicy*@7:MatchPolicyType
NamedRuleWithOperations = |atomic resourceNames@1:[atomic]string ^@2:RuleWithOperations
RuleWithOperations = operations@1:[atomic]OperationType ^@2:Rule
Rule = apiGroups@1:[atomic]string apiVersions@2:[atomic]string resources@3:[atomic]string scope*@4:ScopeType
Validation = expression!+@1 message@2 reason*@3:StatusReason messageExpression@4
AuditAnnotation = key!+@1 valueExpression!+@2
MatchCondition = name!+@1 expression!+@2
Variable = |atomic name!+@1 expression!+@2
ValidatingAdmissionPolicyStatus = observedGeneration@1:int64 typeChecking*@2:TypeChecking conditions@3:[type]Condition
TypeChecking = expressionWarnings@1:[atomic]ExpressionWarning
ExpressionWarning = fieldRef!+@2 warning!+@3
ValidatingAdmissionPolicyBinding = ^:TypeMeta metadata@1:ObjectMeta spec@2:ValidatingAdmissionPolicyBindingSpec
ValidatingAdmissionPolicyBindingSpec = policyName@1 paramRef*@2:ParamRef matchResources*@3:MatchResources
    validationActions@4:[set]ValidationAction
ParamRef = |atomic name@1 namespace@2 selector*@3:LabelSelector parameterNotFoundAction*@4:ParameterNotFoundActionType
ValidatingWebhookConfiguration = ^:TypeMeta metadata@1:ObjectMeta webhooks@2:[name]ValidatingWebhook|merge:name
ValidatingWebhook = name!+@1 clientConfig!+@2:WebhookClientConfig rules@3:[atomic]RuleWithOperations
    failurePolicy*@4:FailurePolicyType matchPolicy*@9:MatchPolicyType namespaceSelector*@5:LabelSelector
    objectSelector*@10:LabelSelector sideEffects!+*@6:SideEffectClass timeoutSeconds*@7:int32
    admissionReviewVersions!+@8:[atomic]string matchConditions@11:[name]MatchCondition|merge:name
WebhookClientConfig = url*@3 service*@1:ServiceReference caBundle@2:bytes
ServiceReference = namespace!+@1 name!+@2 path*@3 port*@4:int32
MutatingWebhookConfiguration = ^:TypeMeta metadata@1:ObjectMeta webhooks@2:[name]MutatingWebhook|merge:name
MutatingWebhook = name!+@1 clientConfig!+@2:WebhookClientConfig rules@3:[atomic]RuleWithOperations
    failurePolicy*@4:FailurePolicyType matchPolicy*@9:MatchPolicyType namespaceSelector*@5:LabelSelector
    objectSelector*@11:LabelSelector sideEffects!+*@6:SideEffectClass timeoutSeconds*@7:int32
    admissionReviewVersions!+@8:[atomic]string reinvocationPolicy*@10:ReinvocationPolicyType
    matchConditions@12:[name]MatchCondition|merge:name
"""
