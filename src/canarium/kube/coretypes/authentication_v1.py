"""The types of authentication.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
TokenReview = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:TokenReviewSpec status@3:TokenReviewStatus
TokenReviewSpec = token@1 audiences@2:[atomic]string
TokenReviewStatus = authenticated@1:bool user@2:UserInfo audiences@4:[atomic]string error@3
UserInfo = username@1 uid@2 groups@3:[atomic]string extra@4:{}Strings
TokenRequest = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:TokenRequestSpec status@3:TokenRequestStatus
TokenRequestSpec = audiences!+@1:[atomic]string expirationSeconds+*@4:int64 boundObjectRef+*@3:BoundObjectReference
BoundObjectReference = kind@1 apiVersion@2 name@3 uid@4:UID
TokenRequestStatus = token!+@1 expirationTimestamp!+@2:Time
SelfSubjectReview = ^:TypeMeta metadata@1:ObjectMeta status@2:SelfSubjectReviewStatus
SelfSubjectReviewStatus = userInfo@1:UserInfo
"""
