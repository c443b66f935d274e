package huawei

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
)

type asyncList struct {
	Invocations []asyncEvent
	Next        int `json:"next_marker"`
	Count       int
}

// listed returns the asynchronous events that a query finds.
func (a *api) listed(t *testing.T, query string) (list asyncList) {
	t.Helper()
	a.get(t, 200, &list, "GET", helloPath+"/async-invocations?"+query, "")
	return list
}

// enqueued sends an asynchronous event and returns its ID.
func (a *api) enqueued(t *testing.T, event string) string {
	t.Helper()
	var got struct {
		ID string `json:"request_id"`
	}
	a.get(t, 202, &got, "POST", helloPath+"/invocations-async", event)
	return got.ID
}

// The state of an asynchronous event can be read, also after retries have failed.
func TestAsync(t *testing.T) {
	a, f := newAPI(t, local.Options{Retries: []time.Duration{0}})
	good := a.enqueued(t, `{"a":1}`)
	bad := a.enqueued(t, `{"fail":"no luck"}`)
	for id, want := range map[string]string{good: "SUCCESS", bad: "FAIL"} {
		localtest.Until(t, func() bool {
			list := a.listed(t, "request_id="+id)
			return list.Count == 1 && list.Invocations[0].Status == want
		})
	}
	if inv, err := f.Invocation(bad); err != nil || inv.Attempt != 1 {
		t.Errorf("the failed event: got %+v, %v, expected one retry", inv, err)
	}
	got := a.listed(t, "status=FAIL").Invocations[0]
	if got.ID != bad || got.Code != 4002 || got.Message != `{"errorMessage":"no luck","errorType":"Test"}` {
		t.Errorf("got %+v", got)
	}
	for _, text := range []string{got.Start, got.End} {
		if at, err := time.Parse(asyncTime, text); err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("got the time %q", text)
		}
	}
	if done := a.listed(t, "status=SUCCESS").Invocations[0]; done.ID != good || done.Code != 0 || done.Message != "" {
		t.Errorf("got %+v", done)
	}
}

// The runtime sees whether an event is asynchronous.
func TestInvokeType(t *testing.T) {
	a, f := newAPI(t, local.Options{}, func(s *local.Settings) { s.Env = []string{headerVariable + "=X-Cff-Invoke-Type"} })
	if r := a.call(t, "POST", helloPath+"/invocations", "{}"); bodyOf(t, r) != "sync" {
		t.Error("a synchronous event is not marked as such")
	}
	id := a.enqueued(t, "{}")
	localtest.Until(t, func() bool { inv, err := f.Invocation(id); return err == nil && inv.Status == local.Succeeded })
	if inv, _ := f.Invocation(id); string(inv.Outcome.Body) != "async" {
		t.Errorf("an asynchronous event is marked as %q", inv.Outcome.Body)
	}
}

// The list has pages, a span of time, and no synchronous events.
func TestAsyncList(t *testing.T) {
	a, f := newAPI(t, local.Options{})
	if r := a.call(t, "POST", helloPath+"/invocations", "{}"); r.StatusCode != 200 {
		t.Fatalf("status %d", r.StatusCode)
	}
	for i := range 5 {
		id := a.enqueued(t, fmt.Sprint(i))
		localtest.Until(t, func() bool { inv, err := f.Invocation(id); return err == nil && inv.Status == local.Succeeded })
	}
	all := a.listed(t, "")
	if all.Count != 5 || len(all.Invocations) != 5 || all.Next != 5 {
		t.Errorf("got %+v", all)
	}
	page := a.listed(t, "marker=1&limit=2")
	if page.Count != 5 || len(page.Invocations) != 2 || page.Next != 3 || page.Invocations[0] != all.Invocations[1] {
		t.Errorf("got %+v", page)
	}
	if past := a.listed(t, "marker=9"); len(past.Invocations) != 0 || past.Count != 5 {
		t.Errorf("got %+v", past)
	}
	at := func(d time.Duration) string { return url.QueryEscape(time.Now().Add(d).UTC().Format(asyncTime)) }
	for query, want := range map[string]int{
		"query_begin_time=" + at(time.Minute):                                         0,
		"query_end_time=" + at(-time.Minute):                                          0,
		"query_begin_time=" + at(-time.Minute) + "&query_end_time=" + at(time.Minute): 5,
		"status=RUNNING": 0, "status=SUCCESS": 5, "request_id=none": 0,
	} {
		if got := a.listed(t, query); got.Count != want {
			t.Errorf("%s: got %d, want %d", query, got.Count, want)
		}
	}
	for _, query := range []string{"limit=x", "limit=-1", "marker=x", "query_begin_time=yesterday", "query_end_time=1"} {
		a.refused(t, errQuery, "expected", "GET", helloPath+"/async-invocations?"+query, "")
	}
}
