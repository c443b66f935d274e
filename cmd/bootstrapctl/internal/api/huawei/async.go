package huawei

import (
	"net/http"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// The pages of the list of asynchronous events, and the form of the times in it, which are
// UTC (support.huaweicloud.com/api-functiongraph/functiongraph_06_0112_00_3.html).
const (
	asyncPage    = 100
	maxAsyncPage = 500
	asyncTime    = "2006-01-02T15:04:05"
)

// statuses are the names of the states of an asynchronous event.
var statuses = map[local.Status]string{
	local.Queued: "WAIT", local.Running: "RUNNING", local.Succeeded: "SUCCESS", local.Failed: "FAIL",
}

// An asyncEvent is an asynchronous event in the list.
type asyncEvent struct {
	ID      string `json:"request_id"`
	Status  string `json:"status"`
	Message string `json:"error_message"`
	Code    int    `json:"error_code"`
	Start   string `json:"start_time"`
	End     string `json:"end_time"` // empty: it has not ended
}

// listAsync answers with the asynchronous events of a function, the newest first.
func (a *api) listAsync(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	marker, size, err := pageOf(r, "limit", asyncPage, maxAsyncPage)
	if err != nil {
		return err
	}
	from, to, err := spanOf(r)
	if err != nil {
		return err
	}
	id, status := r.FormValue("request_id"), r.FormValue("status")
	all := []asyncEvent{}
	for _, inv := range f.Invocations() {
		if !inv.Async || inv.Arrived.Before(from) || inv.Arrived.After(to) {
			continue
		}
		ev := asyncEventOf(inv)
		if (id == "" || id == ev.ID) && (status == "" || status == ev.Status) {
			all = append(all, ev)
		}
	}
	page, next := cut(all, marker, size)
	return answer(w, http.StatusOK, map[string]any{"invocations": page, "next_marker": next, "count": len(all)})
}

func asyncEventOf(inv *local.Invocation) asyncEvent {
	ev := asyncEvent{ID: inv.ID, Status: statuses[inv.Status], Start: inv.Arrived.UTC().Format(asyncTime)}
	if inv.Status == local.Succeeded || inv.Status == local.Failed {
		ev.End = inv.Ended.UTC().Format(asyncTime)
	}
	if inv.Fault != nil {
		ev.Message, ev.Code = reported(inv)
	}
	return ev
}

// spanOf returns the times between which a request asks for events: by default, the last
// hour. The end includes its second.
func spanOf(r *http.Request) (from, to time.Time, err error) {
	now := time.Now()
	if from, err = timeIn(r, "query_begin_time", now.Add(-time.Hour)); err != nil {
		return from, to, err
	}
	to, err = timeIn(r, "query_end_time", now)
	return from, to.Add(time.Second), err
}

func timeIn(r *http.Request, name string, standard time.Time) (time.Time, error) {
	text := r.FormValue(name)
	if text == "" {
		return standard, nil
	}
	t, err := time.Parse(asyncTime, text)
	if err != nil {
		return t, errQuery.because("%s=%q: expected a time such as %s.", name, text, asyncTime)
	}
	return t, nil
}
