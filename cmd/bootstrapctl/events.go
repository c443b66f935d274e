package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"bootstrap/cmd/bootstrapctl/internal/events"
)

const eventText = `Print a sample of the event that a trigger of a platform sends, as JSON. Without
NAME it lists the samples. Send one to the function in this folder:

  bootstrapctl event scf apigw | bootstrapctl invoke -`

// printEvent is the subcommand event.
func printEvent(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var changed events.Request
	flags := newFlags("event", "[PLATFORM [NAME]]", eventText, stderr)
	flags.StringVar(&changed.Method, "method", "", "the `method` of an HTTP request (default: GET, or POST with -body)")
	flags.StringVar(&changed.Path, "path", "", "the `path` of an HTTP request, and its query, such as /hello?name=Ada")
	flags.StringVar(&changed.Body, "body", "", "the `body` of an HTTP request")
	rest, status, ok := parse(flags, args)
	if !ok {
		return status
	}
	output, err := eventOutput(rest, changed)
	if err != nil {
		fmt.Fprintf(stderr, "bootstrapctl event: %v\n", err)
		return exitUsage
	}
	if _, err := stdout.Write(output); err != nil {
		fmt.Fprintf(stderr, "bootstrapctl event: %v\n", err)
		return exitFailure
	}
	return exitResult
}

// eventOutput returns the event that the arguments name, or a list.
func eventOutput(rest []string, changed events.Request) ([]byte, error) {
	switch {
	case len(rest) > 2:
		return nil, fmt.Errorf("cannot use the arguments %q: expected a platform and a name", rest[2:])
	case len(rest) > 0 && !slices.Contains(platformNames(), rest[0]):
		return nil, fmt.Errorf("unknown platform %q: expected scf, functiongraph or lambda%s", rest[0], didYouMean(rest[0], platformNames()))
	case len(rest) < 2 && changed != (events.Request{}):
		return nil, errors.New("-method, -path and -body change an event: expected a platform and a name")
	case len(rest) == 0:
		return eventList(events.All), nil
	case len(rest) == 1:
		return eventList(events.Of(rest[0])), nil
	}
	template, err := findEvent(rest[0], rest[1])
	if err != nil {
		return nil, err
	}
	return template.Event(changed)
}

// findEvent returns the template of that name, or an error with the nearest.
func findEvent(platform, name string) (*events.Template, error) {
	var names []string
	for _, t := range events.Of(platform) {
		if t.Name == name {
			return &t, nil
		}
		names = append(names, t.Name)
	}
	return nil, fmt.Errorf("%s has no event %q%s\n\"bootstrapctl event %s\" lists the events", platform, name, didYouMean(name, names), platform)
}

// eventList returns a table of templates.
func eventList(templates []events.Template) (table []byte) {
	for _, t := range templates {
		table = fmt.Appendf(table, "%-14s %-11s %s\n", t.Platform, t.Name, t.Text)
	}
	return table
}
