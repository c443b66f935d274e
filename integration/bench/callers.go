package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// A caller invokes a function through the Lambda API, over one connection.
type caller struct {
	client *http.Client
	url    string
}

func newCaller(address string) *caller {
	return &caller{
		client: &http.Client{Transport: &http.Transport{}, Timeout: silence},
		url:    "http://" + address + "/2015-03-31/functions/function/invocations",
	}
}

func (c *caller) close() { c.client.CloseIdleConnections() }

// invoke sends an event. It returns an error unless the result is the event.
func (c *caller) invoke(event []byte) error {
	resp, err := c.client.Post(c.url, "application/json", bytes.NewReader(event))
	if err != nil {
		return cause(err)
	}
	defer resp.Body.Close()
	result, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || !bytes.Equal(result, event):
		return fmt.Errorf("it answered with status %d: %q", resp.StatusCode, short(result))
	}
	return nil
}

// cause returns an error of the HTTP client without addresses, which differ in each run.
func cause(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	var connection *net.OpError
	if errors.As(err, &connection) {
		err = connection.Err
	}
	return fmt.Errorf("it did not answer: %w", err)
}

// A load is what parallel callers have measured.
type load struct {
	perSecond float64
	p50, p99  time.Duration
}

// invokeAll sends events from parallel callers, each with a body that no other event
// has. It stops after the first error.
func invokeAll(address string, callers, events int) (load, error) {
	var all sync.WaitGroup
	took := make([][]time.Duration, callers)
	errs := make([]error, callers)
	began := time.Now()
	for n := range callers {
		all.Go(func() { took[n], errs[n] = invokeEach(address, n, share(events, callers, n)) })
	}
	all.Wait()
	wall := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return load{}, err
		}
	}
	sorted := slices.Sorted(slices.Values(slices.Concat(took...)))
	return load{float64(events) / wall.Seconds(), percentile(sorted, 50), percentile(sorted, 99)}, nil
}

// share returns how many of the events caller n sends.
func share(events, callers, n int) int { return (events + callers - 1 - n) / callers }

// invokeEach sends events one after the other.
func invokeEach(address string, number, events int) (took []time.Duration, err error) {
	c := newCaller(address)
	defer c.close()
	for n := range events {
		event := fmt.Appendf(nil, `{"caller":%d,"event":%d,"text":"lorem ipsum dolor sit amet lorem ipsum dolor sit amet"}`, number, n)
		began := time.Now()
		if err := c.invoke(event); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
