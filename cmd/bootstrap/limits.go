package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// limits are the time limits that hold on a platform and where each was set, as
// a logger takes them: key and value by turns.
func (c *Config) limits(p *protocol.Platform, getenv func(string) string) (pairs []any) {
	stop := "10s"
	if p.StopLimit > 0 {
		stop = p.StopLimit.String() + ", as " + p.Title + " has it"
	}
	mostGrace := duration(cmp.Or(time.Duration(c.StopTimeout), p.StopLimit, supervisor.DefaultStopLimit)) / 2
	told := platformTimeout(p, getenv)
	event := c.Timeout // 0: it comes with each event
	if told > 0 && (event == 0 || told < time.Duration(event)) {
		event = duration(told)
	}
	mostMargin := cmp.Or(event/2, c.Margin)
	for _, limit := range []struct {
		name string
		is   duration
		zero string // what 0 means
	}{
		{"timeout", c.Timeout, "the platform's"},
		{"margin", min(c.Margin, mostMargin), "a tenth of the timeout, from 100ms to 1s"},
		{"start_timeout", duration(c.startTimeout(p, getenv)), "as long as the platform waits"},
		{"grace", min(c.Grace, mostGrace), "0s, at once"},
		{"stop_timeout", c.StopTimeout, stop},
	} {
		text := limit.zero
		if limit.is != 0 {
			text = time.Duration(limit.is).String()
		}
		origin := c.Origin(prefix + "_" + strings.ToUpper(limit.name))
		switch {
		case limit.name == "timeout" && event != c.Timeout:
			text, origin = told.String(), p.Timeout
		case limit.name == "margin" && c.Margin > mostMargin:
			origin = "half of timeout"
		case limit.name == "grace" && c.Grace > mostGrace:
			origin = "half of stop_timeout"
		}
		pairs = append(pairs, limit.name, fmt.Sprintf("%s (%s)", text, origin))
	}
	return pairs
}

// reportTime is how long it takes to end what has not come, and to tell.
const reportTime = 1500 * time.Millisecond

// startTimeout is the limit of what runs before the function. One that nobody
// has set is so short that the platform, which ends a start on demand without a
// word, does not come before us.
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

// platformTimeout is the limit of an event where a variable tells it; 0: it
// comes with each event.
func platformTimeout(p *protocol.Platform, getenv func(string) string) time.Duration {
	seconds, _ := strconv.ParseUint(getenv(p.Timeout), 10, 31) // odd: as none
	return time.Duration(seconds) * time.Second
}
