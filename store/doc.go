// Package store names what hotline keeps: the center (agents, queues, numbers,
// flows), call records, evaluations, customers, and the journals from which an
// interrupted process is taken up.
//
// Records are plain structs. Ids are made by the engine, are ordered by time
// and never reused; every write is idempotent by id, and reads may be slightly
// old. There are no transactions across kinds. [Store] is the one interface;
// package store/storetest is its conformance suite, and whoever passes it is a
// Store. The package knows nothing of SIP, media or calls.
package store
