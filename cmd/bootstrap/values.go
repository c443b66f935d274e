package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bootstrap/adapters"
	"bootstrap/protocol"

	"github.com/hashicorp/go-hclog"
)

// oneOf makes sure that a value is among those that are allowed.
func oneOf(value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return fmt.Errorf("want %s or %s", strings.Join(allowed[:len(allowed)-1], ", "), allowed[len(allowed)-1])
}

type adapter string

func (a *adapter) Decode(value string) error {
	*a = adapter(value)
	return oneOf(value, "auto", "worker")
}

type delivery adapters.Delivery

func (d *delivery) Decode(value string) error {
	*d = delivery(value)
	return oneOf(value, string(adapters.Stdin), string(adapters.Argv), string(adapters.File))
}

type stderr string

func (s *stderr) Decode(value string) error {
	*s = stderr(value)
	return oneOf(value, "log", "fail")
}

type result string

func (r *result) Decode(value string) error {
	*r = result(value)
	return oneOf(value, "stdout", "fd3")
}

type leftovers string

func (l *leftovers) Decode(value string) error {
	*l = leftovers(value)
	return oneOf(value, "end", "keep")
}

type count int

func (c *count) Decode(value string) error {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return errors.New("want a whole number, such as 1000")
	}
	*c = count(n)
	return nil
}

type megabytes int

func (m *megabytes) Decode(value string) error {
	n, err := strconv.ParseUint(strings.TrimSuffix(value, "MB"), 10, 20)
	if err != nil || value != "0" && !strings.HasSuffix(value, "MB") {
		return errors.New("want a size in MB, such as 200MB")
	}
	*m = megabytes(n)
	return nil
}

type exitCodes map[int]string

func (e *exitCodes) Decode(value string) error {
	*e = exitCodes{}
	failureType := regexp.MustCompile(`^(Function|Runtime)\.[A-Z][A-Za-z]+$`) // what Lambda takes
	for pair := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(value) == "" {
			return nil
		}
		code, meaning, _ := strings.Cut(strings.TrimSpace(pair), "=")
		n, err := strconv.Atoi(code)
		if err != nil || n < 1 || n > 255 || meaning != adapters.OK && !failureType.MatchString(meaning) {
			return fmt.Errorf("%q: want status=ok or status=Function.Name, statuses from 1 to 255", pair)
		}
		(*e)[n] = meaning
	}
	return nil
}

type platform string

func (p *platform) Decode(value string) error {
	if *p = platform(value); value == "" {
		return nil
	}
	var names []string
	for _, known := range protocol.Platforms {
		names = append(names, known.Name)
	}
	return oneOf(value, names...)
}

type logLevel hclog.Level

func (l *logLevel) Decode(value string) error {
	*l = logLevel(hclog.LevelFromString(value))
	return oneOf(value, "debug", "info", "warn", "error", "off")
}

type duration time.Duration

func (d *duration) Decode(value string) error {
	parsed, err := time.ParseDuration(value)
	if err != nil || parsed < 0 {
		return errors.New("want a duration with its unit, such as 10s or 250ms")
	}
	*d = duration(parsed)
	return nil
}
