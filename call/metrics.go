package call

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the engine's figures for Prometheus. Labels come from the center
// (queues) or from closed sets.
type metrics struct {
	registry  *prometheus.Registry
	stages    *prometheus.HistogramVec
	offers    *prometheus.CounterVec
	decisions *prometheus.CounterVec
	missing   prometheus.Counter
	ratings   *prometheus.CounterVec
	trunks    *prometheus.CounterVec
}

func newMetrics(e *Engine) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hotline_call_stage_seconds",
			Help: "Time that calls spent in a stage.", Buckets: prometheus.ExponentialBuckets(0.1, 3, 9)}, []string{"stage"}),
		offers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hotline_call_offers_total",
			Help: "Offers to agents by what came of them."}, []string{"queue", "result"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hotline_acd_decisions_total",
			Help: "Assignments by the factor that decided."}, []string{"queue", "factor"}),
		missing: prometheus.NewCounter(prometheus.CounterOpts{Name: "hotline_call_missing_prompts_total",
			Help: "Prompts that were not found; the caller heard the rest."}),
		ratings: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hotline_evaluations_total",
			Help: "Ratings by who gave them and what was done: evaluate, change or delete."}, []string{"side", "act"}),
		trunks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hotline_trunk_changes_total",
			Help: "Peers of trunks that began or ceased to answer."}, []string{"trunk", "to"}),
	}
	m.registry.MustRegister(m.stages, m.offers, m.decisions, m.missing, m.ratings, m.trunks)
	gauge := func(name, help string, f func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	count := func(name, help string, f func() uint64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(f()) }))
	}
	gauge("hotline_call_running", "Calls that run.", func() float64 { return float64(e.running()) })
	gauge("hotline_call_supervisors", "Supervisors who sit in calls.", func() float64 { return float64(len(e.Supervisions())) })
	count("hotline_call_ended_total", "Calls that ended.", e.stats.Calls.Load)
	count("hotline_call_refused_total", "Calls turned away for want of capacity.", e.stats.Refused.Load)
	count("hotline_call_panics_total", "Stages that broke; each ended its own call.", e.stats.Panics.Load)
	count("hotline_call_dropped_events_total", "Events that found no room.", e.stats.Dropped.Load)
	count("hotline_call_recording_errors_total", "Recordings that failed or lost audio.", e.stats.RecordingErrors.Load)
	count("hotline_call_store_errors_total", "Call records that had to be written again.", e.stats.StoreErrors.Load)
	count("hotline_call_recovered_total", "Calls of an earlier process that were closed.", e.stats.Recovered.Load)
	count("hotline_rating_alarms_total", "Ratings that look like an attack.", e.stats.RatingAlarms.Load)
	count("hotline_call_silences_total", "Legs in talk that sent nothing for 5 s.", e.stats.Silences.Load)
	count("hotline_call_stuck_total", "Calls that outlived their end.", e.stats.Stuck.Load)
	count("hotline_call_reconciled_total", "Agents and places in queues that were held for what was gone.", e.stats.Reconciled.Load)
	gauge("hotline_sip_bans", "Addresses banned now for failed log-ins.", func() float64 { return float64(len(e.sip.Bans())) })
	gauge("hotline_sip_subscriptions", "Watchers of lamps and messages.", func() float64 { return float64(len(e.sip.Subscriptions())) })
	m.mediaMetrics(e)
	m.sipMetrics(e)
	m.registry.MustRegister(trunkCollector{e})
	return m
}

// Metrics is the registry of all figures.
func (e *Engine) Metrics() *prometheus.Registry { return e.metrics.registry }

// stage notes how long a stage took; ids of queues and agents are left out.
func (m *metrics) stage(s stage, d time.Duration) {
	name, _, _ := strings.Cut(s.name(), " ")
	m.stages.WithLabelValues(name).Observe(d.Seconds())
}

func (m *metrics) offer(queue, result string) { m.offers.WithLabelValues(queue, result).Inc() }

func (m *metrics) decision(queue, factor string) { m.decisions.WithLabelValues(queue, factor).Inc() }

func (m *metrics) evaluation(side, act string) { m.ratings.WithLabelValues(side, act).Inc() }
