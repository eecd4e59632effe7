"""The types of apiextensions.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, apiextensions-apiserver: field tags and markers of the types.
"""

TYPES = """
string := ConditionStatus ConversionStrategyType CustomResourceDefinitionConditionType FieldValueErrorReason
    JSONSchemaURL ResourceScope
CustomResourceDefinition = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:CustomResourceDefinitionSpec
    status@3:CustomResourceDefinitionStatus
CustomResourceDefinitionSpec = group!+@1 names!+@3:CustomResourceDefinitionNames scope!+@4:ResourceScope
    versions!+@7:[atomic]CustomResourceDefinitionVersion conversion*@9:CustomResourceConversion
    preserveUnknownFields@10:bool
CustomResourceDefinitionNames = plural!+@1 singular@2 shortNames@3:[atomic]string kind!+@4 listKind@5
    categories@6:[atomic]string
CustomResourceDefinitionVersion = name!+@1 served!+@2:bool storage!+@3:bool deprecated@7:bool deprecationWarning*@8
    schema*@4:CustomResourceValidation subresources*@5:CustomResourceSubresources
    additionalPrinterColumns@6:[atomic]CustomResourceColumnDefinition selectableFields@9:[atomic]SelectableField
CustomResourceValidation = openAPIV3Schema*@1:JSONSchemaProps
JSONSchemaProps = id@1 $schema@2:JSONSchemaURL $ref*@3 description@4 type@5 format@6 title@7 default*@8:JSON
    maximum*@9:double exclusiveMaximum@10:bool minimum*@11:double exclusiveMinimum@12:bool maxLength*@13:int64
    minLength*@14:int64 pattern@15 maxItems*@16:int64 minItems*@17:int64 uniqueItems@18:bool multipleOf*@19:double
    enum@20:[atomic]JSON maxProperties*@21:int64 minProperties*@22:int64 required@23:[atomic]string
    items*@24:JSONSchemaPropsOrArray allOf@25:[atomic]JSONSchemaProps oneOf@26:[atomic]JSONSchemaProps
    anyOf@27:[atomic]JSONSchemaProps not*@28:JSONSchemaProps properties@29:{}JSONSchemaProps
    additionalProperties*@30:JSONSchemaPropsOrBool patternProperties@31:{}JSONSchemaProps
    dependencies@32:{}JSONSchemaPropsOrStringArray additionalItems*@33:JSONSchemaPropsOrBool
    definitions@34:{}JSONSchemaProps externalDocs*@35:ExternalDocumentation example*@36:JSON nullable@37:bool
    x-kubernetes-preserve-unknown-fields*@38:bool x-kubernetes-embedded-resource@39:bool
    x-kubernetes-int-or-string@40:bool x-kubernetes-list-map-keys@41:[atomic]string x-kubernetes-list-type*@42
    x-kubernetes-map-type*@43 x-kubernetes-validations@44:[rule]ValidationRule|merge:rule
ExternalDocumentation = description@1 url@2
ValidationRule = rule!+@1 message@2 messageExpression@3 reason*@4:FieldValueErrorReason fieldPath@5
    optionalOldSelf*@6:bool
CustomResourceSubresources = status*@1:CustomResourceSubresourceStatus scale*@2:CustomResourceSubresourceScale
CustomResourceSubresourceStatus =
CustomResourceSubresourceScale = specReplicasPath!+@1 statusReplicasPath!+@2 labelSelectorPath*@3
CustomResourceColumnDefinition = name!+@1 type!+@2 format@3 description@4 priority@5:int32 jsonPath!+@6
SelectableField = jsonPath!+@1
CustomResourceConversion = strategy!+@1:ConversionStrategyType webhook*@2:WebhookConversion
WebhookConversion = clientConfig*@2:WebhookClientConfig conversionReviewVersions!+@3:[atomic]string
WebhookClientConfig = url*@3 service*@1:ServiceReference caBundle@2:bytes
ServiceReference = namespace!+@1 name!+@2 path*@3 port*@4:int32
CustomResourceDefinitionStatus = conditions+@1:[type]CustomResourceDefinitionCondition
    acceptedNames+@2:CustomResourceDefinitionNames storedVersions+@3:[atomic]string
CustomResourceDefinitionCondition = type!+@1:CustomResourceDefinitionConditionType status!+@2:ConditionStatus
    lastTransitionTime@3:Time reason@4 message@5
"""
