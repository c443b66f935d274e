package main

import (
	"fmt"
	"strings"
	"time"
)

// limits are the time limits that hold and where each was set, as a logger
// takes them: key and value by turns.
func (c *Config) limits() (pairs []any) {
	for _, limit := range []struct {
		name string
		is   duration
		zero string // what 0 means
	}{
		{"timeout", c.Timeout, "the platform's"},
		{"margin", c.Margin, "a tenth of the limit"},
		{"start_timeout", c.StartTimeout, "as long as the platform waits"},
		{"grace", c.Grace, "none"},
		{"stop_timeout", c.StopTimeout, "the platform's, else 10s"},
	} {
		text := limit.zero
		if limit.is != 0 {
			text = time.Duration(limit.is).String()
		}
		origin := c.Origin(prefix + "_" + strings.ToUpper(limit.name))
		pairs = append(pairs, limit.name, fmt.Sprintf("%s (%s)", text, origin))
	}
	return pairs
}
