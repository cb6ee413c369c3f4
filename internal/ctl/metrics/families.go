// SPDX-License-Identifier: Apache-2.0

package metrics

// The kinds of metric.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// Metric is one metric: its name, and the labels of its samples.
type Metric struct {
	Name   string   `json:"name"`
	Kind   string   `json:"type"`
	Help   string   `json:"help"`
	Labels []string `json:"labels,omitempty"`
}

// The metrics. All is the list of them; the documentation and the dashboard are
// held against it.
var (
	decisions    = Metric{"runclad_decisions_total", counter, "Decisions about containers and processes in them, from the audit log.", []string{"verb", "decision", "engine", "profile"}}
	refusals     = Metric{"runclad_refusals_total", counter, "Refusals by the control that refused; one refusal can have several.", []string{"control"}}
	durations    = Metric{"runclad_shim_duration_seconds", histogram, "How long the shim took until it handed off or refused, from the audit log.", []string{"verb"}}
	fallback     = Metric{"runclad_audit_fallback_lines_total", counter, "Audit lines that went to the fallback because the log could not be written.", nil}
	broken       = Metric{"runclad_audit_broken_lines_total", counter, "Lines of the audit log that could not be read.", nil}
	blocked      = Metric{"runclad_metadata_blocked_packets_total", counter, "Packets to metadata endpoints that were refused, as seen at each collection.", []string{"provider"}}
	containers   = Metric{"runclad_containers", gauge, "Running containers that were created through runclad.", []string{"engine", "profile", "mode"}}
	bypassing    = Metric{"runclad_bypassing_containers", gauge, "Running containers that were created without runclad.", nil}
	auditMode    = Metric{"runclad_audit_mode_containers", gauge, "Running containers that are audited and not hardened.", nil}
	exempted     = Metric{"runclad_exempted_containers", gauge, "Running containers with at least one exemption in force.", nil}
	exemptions   = Metric{"runclad_exemptions", gauge, "Exemptions in force, over all running containers.", nil}
	stale        = Metric{"runclad_stale_policy_containers", gauge, "Running containers that were created under another policy than the one of now.", nil}
	unblocked    = Metric{"runclad_unblocked_containers", gauge, "Running containers whose metadata block was set and does not stand.", nil}
	policyLoaded = Metric{"runclad_policy_load_success", gauge, "Whether the policy can be loaded; creates are refused otherwise.", nil}
	doubts       = Metric{"runclad_collection_errors", gauge, "Things that this collection could not read.", nil}
	collected    = Metric{"runclad_collection_timestamp_seconds", gauge, "When this collection was made.", nil}
	buildInfo    = Metric{"runclad_build_info", gauge, "Always 1; the version is a label.", []string{"version"}}
)

// All lists every metric, in the order of the documentation.
var All = []*Metric{
	&decisions, &refusals, &durations, &fallback, &broken, &blocked,
	&containers, &bypassing, &auditMode, &exempted, &exemptions, &stale, &unblocked,
	&policyLoaded, &doubts, &collected, &buildInfo,
}

// buckets are the upper bounds of durations in seconds: a create takes one to ten
// milliseconds, more with large images or a busy disk.
var buckets = [...]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5}
