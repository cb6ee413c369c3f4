// SPDX-License-Identifier: Apache-2.0

// Package metrics makes what Prometheus reads from node_exporter's textfile
// collector: nothing of runclad stays resident, so nothing of it can be scraped.
//
// Counters are counted from the audit log. The log rotates, and a counter must
// not fall: a small state file keeps the sums, and for each file of the log how
// far it was read. A file is known by its first line, which rotation, compression
// and copies keep. Gauges are what the node shows at the moment.
//
// What belongs here: names, sums, the text format. What does not: reading the log
// (package auditlog) and the containers (package node).
package metrics
