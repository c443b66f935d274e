package huawei

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// via says where an event comes from.
const via = "FunctionGraph API"

// invoke sends an event and answers with the result
// (support.huaweicloud.com/api-functiongraph/functiongraph_06_0125.html).
func (a *api) invoke(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	memory := f.Describe().MemoryMB
	if size := r.Header.Get("X-Cff-Instance-Memory"); size != "" && size != strconv.Itoa(memory) {
		return errParameter.because("X-Cff-Instance-Memory is %q: the local platform cannot change the memory of one invocation, which is %d.", size, memory)
	}
	event, err := eventIn(r)
	if err != nil {
		return err
	}
	inv, err := f.Invoke(r.Context(), local.Call{Body: event, Via: via})
	if err != nil {
		return err
	}
	o := outcomeOf(inv, memory)
	if r.Header.Get("X-Cff-Log-Type") != "tail" {
		o.Log = ""
	}
	return o.send(w, r.Header.Get("X-Cff-Request-Version") == "v1")
}

// eventIn returns the event in a request, which must be JSON.
func eventIn(r *http.Request) ([]byte, error) {
	event, err := io.ReadAll(r.Body)
	if err == nil && len(event) <= limits.Event && !json.Valid(event) {
		err = errNotJSON.because("The body is not JSON: send the event as JSON.")
	}
	return event, err
}

// An outcome is the result of an invocation, as the API reports it in its version v1.
type outcome struct {
	ID     string `json:"request_id"`
	Result string `json:"result"` // text, even if it is JSON
	Log    string `json:"log"`
	Status int    `json:"status"`
	Code   int    `json:"error_code"` // 0 for a success

	summary summary
}

// A summary says what an invocation has cost.
type summary struct {
	Duration        float64 `json:"duration"` // in milliseconds
	BillingDuration int     `json:"billingDuration"`
	MemorySize      int     `json:"memorySize"` // in MB
	MemoryUsed      float64 `json:"memoryUsed"`
}

// outcomeOf returns the outcome of an invocation. The vendor does not document the status
// of a failure: 500 is this project's choice.
func outcomeOf(inv *local.Invocation, memory int) outcome {
	o := outcome{ID: inv.ID, Result: string(inv.Outcome.Body), Status: http.StatusOK, summary: summaryOf(inv, memory)}
	if inv.Fault != nil {
		o.Result, o.Code = reported(inv)
		o.Status = http.StatusInternalServerError
	}
	o.Log = string(logOf(inv, o.summary))
	return o
}

// reported returns the text and the number of an invocation's fault. An error of this
// machine has no number in the vendor's table, and gets 500.
func reported(inv *local.Invocation) (text string, code int) {
	code, err := strconv.Atoi(inv.Fault.Code)
	if err != nil {
		return inv.Fault.Message, http.StatusInternalServerError
	}
	return string(inv.Fault.Body(inv.ID)), code
}

func summaryOf(inv *local.Invocation, memory int) summary {
	ms := float64(inv.Outcome.Duration) / float64(time.Millisecond)
	return summary{
		Duration: thousandths(ms), BillingDuration: int(math.Ceil(ms)),
		MemorySize: memory, MemoryUsed: thousandths(float64(inv.Memory) / (1 << 20)),
	}
}

func thousandths(f float64) float64 { return math.Round(f*1000) / 1000 }

// logOf returns the log of an invocation, with the platform's first and last line,
// cut to the last bytes that the API returns.
func logOf(inv *local.Invocation, s summary) []byte {
	const second = "2006-01-02T15:04:05Z"
	began, ended := inv.Ended.Add(-inv.Outcome.Duration).UTC(), inv.Ended.UTC()
	log := fmt.Appendf(nil, "%s Start invoke request '%s', version: %s\n%s\n", began.Format(second), inv.ID, latest, inv.TailLog(limits.Log))
	log = fmt.Appendf(log, "%s Finish invoke request '%s', duration: %.3fms, billing duration: %dms, memory used: %.3fMB, billing memory: %dMB\n",
		ended.Format(second), inv.ID, s.Duration, s.BillingDuration, s.MemoryUsed, s.MemorySize)
	return log[max(0, len(log)-limits.Log):]
}

// send answers with JSON in version v1, and with the bare result in v0.
func (o outcome) send(w http.ResponseWriter, v1 bool) error {
	summary, _ := json.Marshal(o.summary) // numbers: never fails
	h := w.Header()
	h.Set("X-Cff-Request-Id", o.ID)
	h.Set("X-Cff-Invoke-Summary", string(summary))
	h.Set("X-Cff-Billing-Duration", strconv.Itoa(o.summary.BillingDuration))
	h.Set("X-Func-Err-Code", strconv.Itoa(o.Code))
	h.Set("X-Is-Func-Err", strconv.FormatBool(o.Code != 0))
	if o.Log != "" {
		h.Set("X-Cff-Function-Log", base64.StdEncoding.EncodeToString([]byte(o.Log)))
	}
	if v1 {
		h.Set("X-Cff-Response-Version", "v1")
		return answer(w, http.StatusOK, o)
	}
	h.Set("X-Cff-Response-Version", "v0")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, o.Result) // the caller may be gone
	return nil
}

// enqueue accepts an asynchronous event.
func (a *api) enqueue(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	event, err := eventIn(r)
	if err != nil {
		return err
	}
	header := http.Header{"X-Cff-Invoke-Type": {"async"}}
	id, err := f.Enqueue(local.Call{Body: event, Via: via, Header: header})
	if err != nil {
		return err
	}
	w.Header().Set("X-Cff-Request-Id", id)
	return answer(w, http.StatusAccepted, map[string]string{"request_id": id})
}
