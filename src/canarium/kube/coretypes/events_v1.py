"""The types of events.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
Event = ^:TypeMeta metadata+@1:ObjectMeta eventTime!+@2:MicroTime series*@3:EventSeries reportingController@4
    reportingInstance@5 action@6 reason@7 regarding@8:core.ObjectReference related*@9:core.ObjectReference note@10
    type@11 deprecatedSource@12:core.EventSource deprecatedFirstTimestamp@13:Time deprecatedLastTimestamp@14:Time
    deprecatedCount@15:int32
EventSeries = count!+@1:int32 lastObservedTime!+@2:MicroTime
"""
