// Made from src/canarium/web/model.py by `python -m canarium.web.typescript`; change it there.

export interface Session {
  readonly cluster: string
  readonly mode: "up" | "dashboard"
  readonly version: string
  readonly isReadOnly: boolean
  readonly namespaces: readonly string[]
  readonly problem: string
  readonly since: string
  readonly missing: readonly string[]
  readonly hasMetrics: boolean
  readonly metricsProblem: string
  readonly canDiff: boolean
}

export interface PodCell {
  readonly name: string
  readonly status: string
  readonly ready: string
  readonly isReady: boolean
  readonly restarts: number
  readonly node: string
  readonly created: string
  readonly problem: string
}

export interface ReplicaSetCell {
  readonly name: string
  readonly hash: string
  readonly revision: number
  readonly status: string
  readonly tags: readonly string[]
  readonly replicas: number
  readonly available: number
  readonly images: readonly string[]
  readonly created: string
  readonly scaleDownAt: string
  readonly pods: readonly PodCell[]
}

export interface RunPill {
  readonly name: string
  readonly label: string
  readonly phase: string
  readonly message: string
  readonly kind: string
  readonly revision: number
  readonly created: string
  readonly successful: number
  readonly failed: number
  readonly inconclusive: number
  readonly error: number
}

export interface Image {
  readonly image: string
  readonly tags: readonly string[]
}

export interface RolloutRow {
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly strategy: "Canary" | "BlueGreen" | ""
  readonly phase: string
  readonly message: string
  readonly why: string
  readonly since: string
  readonly created: string
  readonly step: number | null
  readonly steps: number
  readonly setWeight: number | null
  readonly actualWeight: number | null
  readonly desired: number
  readonly ready: number
  readonly available: number
  readonly updated: number
  readonly images: readonly Image[]
  readonly replicaSets: readonly ReplicaSetCell[]
}

export interface TrackStep {
  readonly index: number
  readonly kind: string
  readonly says: string
  readonly details: readonly string[]
  readonly state: "done" | "current" | "next"
  readonly weight: number | null
  readonly ends: string
  readonly run: string
  readonly runPhase: string
}

export interface Revision {
  readonly revision: number
  readonly replicaSets: readonly ReplicaSetCell[]
  readonly runs: readonly RunPill[]
  readonly canRollBack: boolean
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly isInit: boolean
}

export interface Action {
  readonly name: string
  readonly label: string
  readonly consequence: string
  readonly refused: string
  readonly isDangerous: boolean
}

export interface Evidence {
  readonly kind: "measurement" | "event" | "probe" | "condition" | "object"
  readonly text: string
  readonly href: string
  readonly at: string
}

export interface Why {
  readonly tone: "good" | "waiting" | "attention" | "bad"
  readonly lines: readonly string[]
  readonly evidence: readonly Evidence[]
  readonly nextStep: string
  readonly commands: readonly string[]
  readonly reasons: readonly string[]
}

export interface EventRow {
  readonly key: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly about: string
  readonly source: string
  readonly count: number
  readonly first: string
  readonly last: string
}

export interface RolloutDetail {
  readonly row: RolloutRow
  readonly track: readonly TrackStep[]
  readonly revisions: readonly Revision[]
  readonly containers: readonly Container[]
  readonly actions: readonly Action[]
  readonly why: Why
  readonly events: readonly EventRow[]
  readonly isAborted: boolean
  readonly pausedSince: string
  readonly application: string
}

export interface TimelinePoint {
  readonly at: string
  readonly setWeight: number | null
  readonly actualWeight: number | null
  readonly phase: string
  readonly ready: readonly (number | null)[]
  readonly pods: readonly (number | null)[]
}

export interface TimelineMark {
  readonly at: string
  readonly kind: "measurement" | "event" | "step"
  readonly label: string
  readonly phase: string
  readonly text: string
  readonly href: string
}

export interface Timeline {
  readonly since: string
  readonly revisions: readonly number[]
  readonly points: readonly TimelinePoint[]
  readonly marks: readonly TimelineMark[]
}

export interface Measurement {
  readonly phase: string
  readonly started: string
  readonly finished: string
  readonly value: string
  readonly numbers: readonly (number | null)[]
  readonly message: string
}

export interface Threshold {
  readonly condition: "success" | "failure"
  readonly operator: string
  readonly value: number
  readonly index: number
}

export interface Requirement {
  readonly says: string
  readonly state: "met" | "broken" | "open"
}

export interface MetricResult {
  readonly name: string
  readonly phase: string
  readonly message: string
  readonly provider: string
  readonly address: string
  readonly query: string
  readonly queryProblem: string
  readonly successCondition: string
  readonly failureCondition: string
  readonly saw: string
  readonly told: string
  readonly isDryRun: boolean
  readonly interval: string
  readonly count: number | null
  readonly successful: number
  readonly failed: number
  readonly inconclusive: number
  readonly error: number
  readonly consecutiveError: number
  readonly measurements: readonly Measurement[]
  readonly thresholds: readonly Threshold[]
  readonly requirements: readonly Requirement[]
}

export interface AnalysisDetail {
  readonly namespace: string
  readonly name: string
  readonly label: string
  readonly rollout: string
  readonly revision: number
  readonly kind: string
  readonly phase: string
  readonly message: string
  readonly started: string
  readonly completed: string
  readonly args: readonly (readonly [string, string])[]
  readonly metrics: readonly MetricResult[]
  readonly why: Why
}

export interface ContainerState {
  readonly name: string
  readonly image: string
  readonly isInit: boolean
  readonly isReady: boolean
  readonly restarts: number
  readonly state: string
  readonly last: string
  readonly probes: readonly string[]
}

export interface PodDetail {
  readonly namespace: string
  readonly name: string
  readonly owner: string
  readonly cell: PodCell
  readonly phase: string
  readonly ip: string
  readonly containers: readonly ContainerState[]
  readonly conditions: readonly string[]
  readonly events: readonly EventRow[]
}

export interface Commit {
  readonly sha: string
  readonly message: string
  readonly author: string
  readonly date: string
}

export interface ApplicationRow {
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly project: string
  readonly sync: string
  readonly health: string
  readonly healthMessage: string
  readonly operation: string
  readonly problem: string
  readonly repo: string
  readonly path: string
  readonly target: string
  readonly destinationNamespace: string
  readonly isAutomated: boolean
  readonly commit: Commit
  readonly lastSync: string
  readonly set: string
  readonly created: string
}

export interface ApplicationSetRow {
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly applications: readonly string[]
  readonly generators: readonly string[]
  readonly conditions: readonly string[]
  readonly created: string
}

export interface TreeNode {
  readonly id: string
  readonly parent: string
  readonly group: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly sync: string
  readonly health: string
  readonly healthMessage: string
  readonly info: readonly string[]
  readonly created: string
  readonly needsPrune: boolean
  readonly isManaged: boolean
  readonly href: string
}

export interface HistoryEntry {
  readonly id: number
  readonly commit: Commit
  readonly deployed: string
  readonly initiatedBy: string
}

export interface OperationState {
  readonly phase: string
  readonly message: string
  readonly started: string
  readonly finished: string
  readonly commit: Commit
  readonly results: readonly string[]
  readonly initiatedBy: string
  readonly retries: number
}

export interface Condition {
  readonly type: string
  readonly message: string
  readonly at: string
  readonly isError: boolean
  readonly file: string
}

export interface ApplicationDetail {
  readonly row: ApplicationRow
  readonly nodes: readonly TreeNode[]
  readonly conditions: readonly Condition[]
  readonly history: readonly HistoryEntry[]
  readonly operation: OperationState | null
  readonly actions: readonly Action[]
  readonly why: Why
  readonly images: readonly string[]
}

export interface DiffLine {
  readonly kind: " " | "-" | "+"
  readonly text: string
  readonly live: number | null
  readonly desired: number | null
}

export interface ResourceManifests {
  readonly live: string
  readonly desired: string
  readonly diff: readonly DiffLine[]
  readonly isModified: boolean
  readonly problem: string
}

export interface Done {
  readonly message: string
}

export interface Failure {
  readonly problem: string
  readonly nextStep: string
}

export interface QueryNode {
  readonly text: string
  readonly kind: string
  readonly start: number
  readonly end: number
  readonly valueType: string
  readonly count: number
  readonly value: string
  readonly series: readonly (readonly [string, string])[]
  readonly labels: Readonly<Record<string, number>>
  readonly problem: string
  readonly note: string
  readonly milliseconds: number
  readonly children: readonly QueryNode[]
}
