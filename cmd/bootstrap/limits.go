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

// limits returns the time limits and where each was set, as alternating keys
// and values for a logger.
func (c *Config) limits(p *protocol.Platform, getenv func(string) string) (pairs []any) {
	stop := "10s"
	if p.StopLimit > 0 {
		stop = p.StopLimit.String() + ", the limit of " + p.Title
	}
	maxGrace := duration(cmp.Or(time.Duration(c.StopTimeout), p.StopLimit, supervisor.DefaultStopLimit)) / 2
	platformLimit := platformTimeout(p, getenv)
	event := c.Timeout // 0: each event brings its limit
	if platformLimit > 0 && (event == 0 || platformLimit < time.Duration(event)) {
		event = duration(platformLimit)
	}
	maxMargin := cmp.Or(event/2, c.Margin)
	for _, limit := range []struct {
		name string
		is   duration
		zero string // meaning of 0
	}{
		{"timeout", c.Timeout, "the platform's"},
		{"margin", min(c.Margin, maxMargin), "a tenth of the timeout, from 100ms to 1s"},
		{"start_timeout", duration(c.startTimeout(p, getenv)), "as long as the platform waits"},
		{"grace", min(c.Grace, maxGrace), "0s, at once"},
		{"stop_timeout", c.StopTimeout, stop},
	} {
		text := limit.zero
		if limit.is != 0 {
			text = time.Duration(limit.is).String()
		}
		origin := c.Origin(prefix + "_" + strings.ToUpper(limit.name))
		switch {
		case limit.name == "timeout" && event != c.Timeout:
			text, origin = platformLimit.String(), p.Timeout
		case limit.name == "margin" && c.Margin > maxMargin:
			origin = "half of timeout"
		case limit.name == "grace" && c.Grace > maxGrace:
			origin = "half of stop_timeout"
		}
		pairs = append(pairs, limit.name, fmt.Sprintf("%s (%s)", text, origin))
	}
	return pairs
}

// reportTime is how long it takes to stop a start that is too slow, and to
// report it.
const reportTime = 1500 * time.Millisecond

// startTimeout limits what runs before the function. The default is short
// enough that the platform, which kills a start on demand without a message,
// does not act first.
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

// platformTimeout returns the time limit of an event if a variable sets it. 0
// means that each event brings its limit.
func platformTimeout(p *protocol.Platform, getenv func(string) string) time.Duration {
	seconds, _ := strconv.ParseUint(getenv(p.Timeout), 10, 31) // invalid: as if not set
	return time.Duration(seconds) * time.Second
}
