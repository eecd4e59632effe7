"""Which fields the kinds of Argo CD have: a table of facts in the notation of `canarium.kube.structural`.

Owns: names, types, required fields, choices and defaults of the v3 CustomResourceDefinitions.
Must not know: what a field means.
"""

from __future__ import annotations

ARGO_CD_TYPES = """\
Application = operation:Operation spec!:ApplicationSpec status:ApplicationStatus
ApplicationSet = spec!:ApplicationSetSpec status:ApplicationSetStatus
AppProject = spec!:AppProjectSpec status:AppProjectStatus
Operation = info:[]Info initiatedBy:InitiatedBy retry:Retry sync:Sync
Info = name! value!
InitiatedBy = automated:bool username
Retry = backoff:Backoff limit:int64 refresh:bool
Backoff = duration factor:int64 maxDuration
Sync = autoHealAttemptsCount:int64 dryRun:bool manifests:[]str prune:bool resources:[]Resource revision
  revisions:[]str source:Source sources:[]Source syncOptions:[]str syncStrategy:SyncStrategy
Resource = group kind! name! namespace
Source = chart directory:Directory helm:Helm kustomize:Kustomize name path plugin:Plugin ref repoURL! tagPrefix
  targetRevision
Directory = disableExtensionFilter:bool exclude include jsonnet:Jsonnet recurse:bool
Jsonnet = extVars:[]ExtVar libs:[]str tlas:[]ExtVar
ExtVar = code:bool name! value!
Helm = apiVersions:[]str fileParameters:[]FileParameter ignoreMissingValueFiles:bool kubeVersion namespace
  parameters:[]Parameter passCredentials:bool releaseName skipCrds:bool skipSchemaValidation:bool skipTests:bool
  valueFiles:[]str values valuesObject:free version
FileParameter = name path
Parameter = forceString:bool name value
Kustomize = apiVersions:[]str commonAnnotations:{}str commonAnnotationsEnvsubst:bool commonLabels:{}str
  components:[]str forceCommonAnnotations:bool forceCommonLabels:bool ignoreMissingComponents:bool images:[]str
  kubeVersion labelIncludeTemplates:bool labelWithoutSelector:bool namePrefix nameSuffix namespace patches:[]Patch
  replicas:[]Replica version
Patch = options:{}bool patch path target:Target
Target = annotationSelector group kind labelSelector name namespace version
Replica = count!:intstr name!
Plugin = env:[]Info name parameters:[]PluginParameter
PluginParameter = array:[]str map:{}str name string
SyncStrategy = apply:Apply hook:Apply
Apply = force:bool
ApplicationSpec = destination!:Destination ignoreDifferences:[]IgnoreDifference info:[]Info project!
  revisionHistoryLimit:int64 source:Source sourceHydrator:SourceHydrator sources:[]Source syncPolicy:SyncPolicy
Destination = name namespace server
IgnoreDifference = group jqPathExpressions:[]str jsonPointers:[]str kind! managedFieldsManagers:[]str name namespace
SourceHydrator = drySource!:DrySource hydrateTo:HydrateTo syncSource!:SyncSource
DrySource = directory:Directory helm:Helm kustomize:Kustomize path! plugin:Plugin repoURL! targetRevision!
HydrateTo = targetBranch!
SyncSource = path!:str1 repoURL targetBranch!
SyncPolicy = automated:Automated managedNamespaceMetadata:ManagedNamespaceMetadata retry:Retry syncOptions:[]str
Automated = allowEmpty:bool enabled:bool prune:bool selfHeal:bool
ManagedNamespaceMetadata = annotations:{}str labels:{}str
ApplicationStatus = conditions:[]Condition controllerNamespace health:Health history:[]History observedAt:time
  operationState:OperationState reconciledAt:time resourceHealthSource resources:[]ResourceStatus
  sourceHydrator:SourceHydratorStatus sourceType sourceTypes:[]str summary:Summary sync:SyncStatus
Condition = lastTransitionTime:time message! type!
Health = lastTransitionTime:time message status
History = deployStartedAt:time deployedAt!:time id!:int64 initiatedBy:InitiatedBy revision revisions:[]str
  source:Source sources:[]Source
OperationState = finishedAt:time message operation!:Operation phase! retryCount:int64 startedAt!:time
  syncResult:SyncResult
SyncResult = managedNamespaceMetadata:ManagedNamespaceMetadata resources:[]SyncedResource revision! revisions:[]str
  source:Source sources:[]Source
SyncedResource = group! hookPhase hookType images:[]str kind! message name! namespace! status syncPhase version!
ResourceStatus = group health:Health hook:bool kind name namespace requiresDeletionConfirmation:bool
  requiresPruning:bool status syncWave:int64 version
SourceHydratorStatus = currentOperation:CurrentOperation lastComparedDryRevision
  lastSuccessfulOperation:LastSuccessfulOperation
CurrentOperation = drySHA finishedAt:time hydratedSHA message! phase!(Hydrating|Failed|Hydrated)
  sourceHydrator:SourceHydrator startedAt:time
LastSuccessfulOperation = drySHA hydratedSHA sourceHydrator:SourceHydrator
Summary = externalURLs:[]str images:[]str isAppOfApps:bool
SyncStatus = comparedTo:ComparedTo revision revisions:[]str status!
ComparedTo = destination!:Destination ignoreDifferences:[]IgnoreDifference source:Source sources:[]Source
ApplicationSetSpec = applyNestedSelectors:bool generators!:[]Generator goTemplate:bool goTemplateOptions:[]str
  ignoreApplicationDifferences:[]IgnoreApplicationDifference preservedFields:PreservedFields strategy:Strategy
  syncPolicy:ApplicationSetSyncPolicy template!:Template templatePatch
Generator = clusterDecisionResource:ClusterDecisionResource clusters:Clusters git:Git list:List matrix:Matrix
  merge:Merge plugin:PluginGenerator pullRequest:PullRequest scmProvider:ScmProvider selector:LabelSelector
ClusterDecisionResource = configMapRef! labelSelector:LabelSelector name requeueAfterSeconds:int64 template:Template
  values:{}str
LabelSelector = matchExpressions:[]MatchExpression matchLabels:{}str
MatchExpression = key! operator! values:[]str
Template = metadata!:Metadata spec!:ApplicationSpec
Metadata = annotations:{}str finalizers:[]str labels:{}str name namespace
Clusters = flatList:bool selector:LabelSelector template:Template values:{}str
Git = directories:[]GitPath files:[]GitPath pathParamPrefix repoURL! requeueAfterSeconds:int64 revision!
  template:Template values:{}str
GitPath = exclude:bool path!
List = elements:[]any elementsYaml template:Template
Matrix = generators!:[]NestedGenerator template:Template
NestedGenerator = clusterDecisionResource:ClusterDecisionResource clusters:Clusters git:Git list:List matrix:any
  merge:any plugin:PluginGenerator pullRequest:PullRequest scmProvider:ScmProvider selector:LabelSelector
PluginGenerator = configMapRef!:ConfigMapRef input:Input requeueAfterSeconds:int64 template:Template values:{}str
ConfigMapRef = name!
Input = parameters:{}any
PullRequest = azuredevops:Azuredevops bitbucket:Bitbucket bitbucketServer:BitbucketServer
  continueOnRepoNotFoundError:bool filters:[]Filter gitea:Gitea github:Github gitlab:Gitlab requeueAfterSeconds:int64
  template:Template values:{}str
Azuredevops = api labels:[]str organization! project! repo! tokenRef:TokenRef
TokenRef = key! secretName!
Bitbucket = api basicAuth:BasicAuth bearerToken:BearerToken owner! repo!
BasicAuth = passwordRef!:TokenRef username!
BearerToken = tokenRef!:TokenRef
BitbucketServer = api! basicAuth:BasicAuth bearerToken:BearerToken caRef:CaRef insecure:bool project! repo!
CaRef = configMapName! key!
Filter = branchMatch targetBranchMatch titleMatch
Gitea = api! insecure:bool labels:[]str owner! repo! tokenRef:TokenRef
Github = api appSecretName labels:[]str owner! repo! tokenRef:TokenRef
Gitlab = api caRef:CaRef insecure:bool labels:[]str project! pullRequestState tokenRef:TokenRef
ScmProvider = awsCodeCommit:AwsCodeCommit azureDevOps:AzureDevOps bitbucket:ScmBitbucket
  bitbucketServer:ScmBitbucketServer cloneProtocol filters:[]ScmFilter gitea:ScmGitea github:ScmGithub
  gitlab:ScmGitlab requeueAfterSeconds:int64 template:Template values:{}str
AwsCodeCommit = allBranches:bool region role tagFilters:[]TagFilter
TagFilter = key! value
AzureDevOps = accessTokenRef!:TokenRef allBranches:bool api organization! teamProject!
ScmBitbucket = allBranches:bool appPasswordRef!:TokenRef owner! user!
ScmBitbucketServer = allBranches:bool api! basicAuth:BasicAuth bearerToken:BearerToken caRef:CaRef insecure:bool
  project!
ScmFilter = branchMatch labelMatch pathsDoNotExist:[]str pathsExist:[]str repositoryMatch
ScmGitea = allBranches:bool api! excludeArchivedRepos:bool insecure:bool owner! tokenRef:TokenRef
ScmGithub = allBranches:bool api appSecretName excludeArchivedRepos:bool organization! tokenRef:TokenRef
ScmGitlab = allBranches:bool api caRef:CaRef group! includeArchivedRepos:bool includeSharedProjects:bool
  includeSubgroups:bool insecure:bool tokenRef:TokenRef topic
Merge = generators!:[]NestedGenerator mergeKeys!:[]str template:Template
IgnoreApplicationDifference = jqPathExpressions:[]str jsonPointers:[]str name
PreservedFields = annotations:[]str labels:[]str
Strategy = deletionOrder rollingSync:RollingSync type
RollingSync = steps:[]CanaryStep
CanaryStep = matchExpressions:[]StepMatchExpression maxUpdate:intstr
StepMatchExpression = key operator values:[]str
ApplicationSetSyncPolicy = applicationsSync(create-only|create-update|create-delete|sync)
  preserveResourcesOnDeletion:bool
ApplicationSetStatus = applicationStatus:[]ApplicationStatu conditions:[]ApplicationSetCondition health:Health
  resources:[]ResourceStatus resourcesCount:int64
ApplicationStatu = application! lastTransitionTime:time message! status! step! targetRevisions!:[]str
ApplicationSetCondition = lastTransitionTime:time message! reason! status! type!
AppProjectSpec = clusterResourceBlacklist:[]ClusterResourceBlacklist
  clusterResourceWhitelist:[]ClusterResourceBlacklist description
  destinationServiceAccounts:[]DestinationServiceAccount destinations:[]Destination
  namespaceResourceBlacklist:[]NamespaceResourceBlacklist namespaceResourceWhitelist:[]NamespaceResourceBlacklist
  orphanedResources:OrphanedResources permitOnlyProjectScopedClusters:bool roles:[]Role signatureKeys:[]SignatureKey
  sourceIntegrity:SourceIntegrity sourceNamespaces:[]str sourceRepos:[]str syncWindows:[]SyncWindow
ClusterResourceBlacklist = group! kind! name
DestinationServiceAccount = defaultServiceAccount! namespace server!
NamespaceResourceBlacklist = group! kind!
OrphanedResources = ignore:[]Ignore warn:bool
Ignore = group kind name
Role = description groups:[]str jwtTokens:[]JwtToken name! policies:[]str
JwtToken = exp:int64 iat!:int64 id
SignatureKey = keyID!
SourceIntegrity = git!:HydratorGit
HydratorGit = policies!:[]Policy
Policy = gpg!:Gpg repos!:[]Repo
Gpg = keys!:[]str mode!
Repo = url!
SyncWindow = andOperator:bool applications:[]str clusters:[]str description duration kind manualSync:bool
  namespaces:[]str schedule syncOverrun:bool timeZone
AppProjectStatus = jwtTokensByRole:{}JwtTokensByRole
JwtTokensByRole = items:[]JwtToken
"""
