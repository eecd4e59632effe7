"""The types of certificates.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := KeyUsage RequestConditionType
CertificateSigningRequest = ^:TypeMeta metadata@1:ObjectMeta spec!+@2:CertificateSigningRequestSpec
    status@3:CertificateSigningRequestStatus
CertificateSigningRequestSpec = request!+@1:bytes signerName!+@7 expirationSeconds*@8:int32 usages@5:[atomic]KeyUsage
    username@2 uid@3 groups@4:[atomic]string extra@6:{}Strings
CertificateSigningRequestStatus = conditions@1:[type]CertificateSigningRequestCondition certificate@2:bytes
CertificateSigningRequestCondition = type!+@1:RequestConditionType status!+@6:core.ConditionStatus reason@2 message@3
    lastUpdateTime@4:Time lastTransitionTime@5:Time
"""
