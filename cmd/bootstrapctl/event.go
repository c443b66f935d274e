//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bootstrap/protocol"
)

// readEvent returns the event, which must be JSON, as platforms accept nothing else.
// It returns the error of ctx if ctx ends first.
func (in *invocation) readEvent(ctx context.Context, platform *protocol.Platform, stdin io.Reader) (event []byte, err error) {
	name := in.eventFile
	switch name {
	case "":
		name, event = "-event", []byte(in.event)
	case "-":
		name = "standard input"
		event, err = untilSignal(ctx, func() ([]byte, error) { return readAtMost(stdin, platform) })
	default:
		event, err = untilSignal(ctx, func() ([]byte, error) { return readFile(name, platform) })
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the event: %w", err)
	}
	event = bytes.TrimPrefix(event, []byte("\ufeff")) // the byte order mark of Windows' editors
	if len(bytes.TrimSpace(event)) == 0 {
		return nil, fmt.Errorf("%s: the event is empty: expected JSON, such as {}", name)
	}
	return event, checkJSON(name, event)
}

// untilSignal returns what read returns, or the error of ctx if a signal ends ctx first.
// Then the goroutine of read ends with the program, as a read cannot be interrupted.
func untilSignal(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	done := make(chan struct{})
	var got []byte
	var failed error
	go func() {
		defer close(done)
		got, failed = read()
	}()
	select {
	case <-done:
		return got, failed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func readFile(name string, platform *protocol.Platform) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	event, err := readAtMost(file, platform)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return event, nil
}

func readAtMost(r io.Reader, platform *protocol.Platform) ([]byte, error) {
	event, err := io.ReadAll(io.LimitReader(r, int64(platform.MaxEvent)+1))
	if err == nil && len(event) > platform.MaxEvent {
		err = fmt.Errorf("it is larger than %d bytes, the limit of %s", platform.MaxEvent, platform.Title)
	}
	return event, err
}

// checkJSON returns an error with the place where text is not JSON.
func checkJSON(name string, text []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(text, &any)
	var syntax *json.SyntaxError
	if err == nil || !errors.As(err, &syntax) {
		return err
	}
	at := max(0, int(syntax.Offset)-1) // index of the invalid byte
	if strings.Contains(err.Error(), "unexpected end") {
		at = len(bytes.TrimRight(text, " \t\r\n"))
	}
	line, column, source := position(text, at)
	return fmt.Errorf("%s:%d:%d: the event is not JSON: %v\n  %s\n  %s^", name, line, column, err, source, blank(source[:column-1]))
}

// position returns the line and the column of a byte, from 1, and the line
// itself.
func position(text []byte, at int) (line, column int, source string) {
	begin := bytes.LastIndexByte(text[:at], '\n') + 1
	rest, _, _ := bytes.Cut(text[begin:], []byte("\n"))
	return 1 + bytes.Count(text[:begin], []byte("\n")), at - begin + 1, strings.TrimRight(string(rest), "\r")
}

// blank returns spaces as wide as text, and keeps its tabs.
func blank(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, text)
}
