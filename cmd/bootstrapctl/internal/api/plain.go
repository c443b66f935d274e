package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// plain sends the body of a request as an event to the only function, or to the
// one that the parameter "function" names. It answers with the result and
// status 200, or with the platform's error and status 500.
func (s *server) plain(w http.ResponseWriter, r *http.Request) {
	f, err := s.only(r.URL.Query().Get("function"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	limit := local.LimitsOf(f.Platform()).Event
	event, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		http.Error(w, "cannot read the event: "+err.Error(), http.StatusBadRequest)
		return
	}
	if len(event) == 0 {
		event = []byte("{}")
	}
	inv, err := f.Invoke(r.Context(), local.Call{Body: event, Via: "POST /"})
	if err != nil {
		http.Error(w, err.Error(), StatusOf(err))
		return
	}
	status, body := http.StatusOK, inv.Outcome.Body
	if inv.Fault != nil {
		status, body = http.StatusInternalServerError, inv.Fault.Body(inv.ID)
	}
	w.Header().Set("Request-Id", inv.ID)
	if json.Valid(body) {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have hung up
}

// StatusOf returns the HTTP status for an error of a function.
func StatusOf(err error) int {
	switch {
	case errors.Is(err, local.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, local.ErrThrottled):
		return http.StatusTooManyRequests
	case errors.Is(err, local.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, local.ErrClosed):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// only returns the function with that name. If the name is empty, it returns
// the only function.
func (s *server) only(name string) (*local.Function, error) {
	all := s.cloud.Functions(nil)
	var names []string
	for _, f := range all {
		if f.Name() == name {
			return f, nil
		}
		names = append(names, f.Name())
	}
	switch {
	case len(all) == 0:
		return nil, errors.New("there is no function: create one, or name its folder when you start bootstrapctl local")
	case name != "":
		return nil, fmt.Errorf("%w: there is no function %q: expected one of %s", local.ErrNotFound, name, strings.Join(names, ", "))
	case len(all) > 1:
		return nil, fmt.Errorf("there are several functions: choose one, as in /?function=%s (%s)", names[0], strings.Join(names, ", "))
	}
	return all[0], nil
}
