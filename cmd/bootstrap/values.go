package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bootstrap/adapters"
	"bootstrap/internal/envfile"
	"bootstrap/protocol"

	"github.com/hashicorp/go-hclog"
)

// oneOf returns an error unless the value is among the allowed ones.
func oneOf(value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return fmt.Errorf("expected %s or %s", strings.Join(allowed[:len(allowed)-1], ", "), allowed[len(allowed)-1])
}

// A count is from 0 to maxCount.
type count int

const maxCount = 1_000_000_000

func (c *count) Decode(value string) (err error) {
	*c, err = parseWhole[count](value, maxCount)
	return err
}

// A concurrency is a number of events at the same time.
type concurrency int

const maxConcurrency = 1600 // the maximum of Lambda

func (p *concurrency) Decode(value string) (err error) {
	*p, err = parseWhole[concurrency](value, maxConcurrency)
	return err
}

func parseWhole[T ~int](value string, limit uint64) (T, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n > limit {
		return 0, fmt.Errorf("expected a whole number from 0 to %d", limit)
	}
	return T(n), nil
}

type megabytes int

const maxMegabytes = 1_000_000

func (m *megabytes) Decode(value string) error {
	n, err := strconv.ParseUint(strings.TrimSuffix(value, "MB"), 10, 64)
	switch {
	case err == nil && n > 0 && n <= maxMegabytes && !strings.HasSuffix(value, "MB"):
		return fmt.Errorf("expected a size with its unit: %sMB?", value)
	case err != nil || n > maxMegabytes:
		return fmt.Errorf("expected a size in MB, such as 200MB, from 0MB to %dMB", maxMegabytes)
	}
	*m = megabytes(n)
	return nil
}

type exitCodes map[int]string

func (e *exitCodes) Decode(value string) error {
	*e = exitCodes{}
	failureType := regexp.MustCompile(`^(Function|Runtime)\.[A-Z][A-Za-z]+$`) // the form that Lambda accepts
	for pair := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(value) == "" {
			return nil
		}
		code, meaning, _ := strings.Cut(strings.TrimSpace(pair), "=")
		n, err := strconv.Atoi(code)
		if err != nil || n < 1 || n > 255 || meaning != adapters.OK && !failureType.MatchString(meaning) {
			return fmt.Errorf("%q: expected status=ok or status=Function.Name, with a status from 1 to 255 and a name of letters that begins with a capital", pair)
		}
		(*e)[n] = meaning
	}
	return nil
}

type platform string

// Decode leaves p unchanged for an unknown platform, so that the environment
// decides.
func (p *platform) Decode(value string) error {
	var names []string
	for _, known := range protocol.Platforms {
		names = append(names, known.Name)
	}
	if value != "" {
		if err := oneOf(value, names...); err != nil {
			return err
		}
	}
	*p = platform(value)
	return nil
}

type logLevel hclog.Level

func (l *logLevel) Decode(value string) error {
	*l = logLevel(hclog.LevelFromString(value))
	return oneOf(value, "debug", "info", "warn", "error", "off")
}

// A duration is 0, which means what the option's text says, or from minDuration
// to maxDuration.
type duration time.Duration

const (
	minDuration = time.Millisecond
	maxDuration = 24 * time.Hour
)

func (d *duration) Decode(value string) error {
	if n, err := strconv.ParseUint(value, 10, 64); err == nil && n > 0 && n <= uint64(maxDuration/time.Second) {
		return fmt.Errorf("expected a duration with its unit: %ss?", value)
	}
	parsed, err := time.ParseDuration(value)
	if err != nil || parsed != 0 && (parsed < minDuration || parsed > maxDuration) {
		return errors.New("expected a duration with its unit, such as 10s or 250ms: 0, or from 1ms to 24h")
	}
	*d = duration(parsed)
	return nil
}

// A variableNames is a comma-separated list of names of variables.
type variableNames []string

func (n *variableNames) Decode(value string) error {
	*n = splitList(value)
	for i, name := range *n {
		if !envfile.IsName(name) {
			return fmt.Errorf("item %d of %d is not the name of a variable: expected names separated by commas, such as TOKEN,DB_PASSWORD, without $ and spaces", i+1, len(*n))
		}
	}
	return nil
}

// splitList splits a value at its commas.
func splitList(value string) (items []string) {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	for item := range strings.SplitSeq(value, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}
