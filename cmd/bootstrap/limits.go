package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// A limit is a time limit as the log of the start shows it.
type limit struct {
	name      string
	option    duration
	inEffect  duration
	zero      string // meaning of 0
	loweredBy string // the origin of a limit that differs from the option
}

// limits returns the time limits and where each was set, as alternating keys
// and values for a logger.
func (c *Config) limits(p *protocol.Platform, getenv func(string) string) (pairs []any) {
	for _, l := range c.limitsInEffect(p, getenv) {
		text, origin := l.zero, c.Origin(prefix+"_"+strings.ToUpper(l.name))
		if l.inEffect != 0 {
			text = time.Duration(l.inEffect).String()
		}
		if l.inEffect != l.option {
			origin = l.loweredBy
		}
		pairs = append(pairs, l.name, fmt.Sprintf("%s (%s)", text, origin))
	}
	return pairs
}

// limitsInEffect returns the limits of the options, lowered where the platform or
// another limit is shorter.
func (c *Config) limitsInEffect(p *protocol.Platform, getenv func(string) string) []limit {
	event := c.Timeout // 0: each event brings its limit
	if platform := duration(p.EventLimit(getenv)); platform > 0 && (event == 0 || platform < event) {
		event = platform
	}
	margin := min(c.Margin, cmp.Or(event/2, c.Margin))
	start := duration(c.startTimeout(p, getenv))
	grace := min(c.Grace, duration(cmp.Or(time.Duration(c.StopTimeout), p.StopLimit, supervisor.DefaultStopTimeout))/2)
	stop := supervisor.DefaultStopTimeout.String()
	if p.StopLimit > 0 {
		stop = p.StopLimit.String() + ", the limit of " + p.Title
	}
	return []limit{
		{"timeout", c.Timeout, event, "the platform's", p.Timeout},
		{"margin", c.Margin, margin, "a tenth of the timeout, from 100ms to 1s", "half of timeout"},
		{"start_timeout", start, start, "as long as the platform waits", ""},
		{"grace", c.Grace, grace, "0s, at once", "half of stop_timeout"},
		{"stop_timeout", c.StopTimeout, c.StopTimeout, stop, ""},
	}
}

// reportTime is how long it takes to stop a start that is too slow, and to
// report it.
const reportTime = 1500 * time.Millisecond

// startTimeout limits what runs before the function. The default is shorter than the
// platform's own limit, because the platform kills an on-demand start without a
// message.
func (c *Config) startTimeout(p *protocol.Platform, getenv func(string) string) time.Duration {
	limit := time.Duration(c.StartTimeout)
	if p.InitType == "" || c.Origin(prefix+"_START_TIMEOUT") != "default" {
		return limit
	}
	if kind := getenv(p.InitType); kind != "" && kind != "on-demand" {
		return limit
	}
	return min(limit, p.InitLimit-reportTime)
}
