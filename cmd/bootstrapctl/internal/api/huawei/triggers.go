package huawei

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/schedule"
	"bootstrap/protocol"
)

// The types of triggers that the local platform has.
const (
	timerType   = "TIMER"
	gatewayType = "APIG"
)

// A trigger is a trigger as the API describes it
// (support.huaweicloud.com/api-functiongraph/functiongraph_06_0122.html).
type trigger struct {
	ID      string    `json:"trigger_id"`
	Type    string    `json:"trigger_type_code"`
	Status  string    `json:"trigger_status"` // "ACTIVE" or "DISABLED"
	Data    eventData `json:"event_data"`
	Updated string    `json:"last_updated_time"`
	Created string    `json:"created_time"`
}

// An eventData is what triggers of each type have.
type eventData struct {
	Name string `json:"name"`

	ScheduleType string `json:"schedule_type,omitempty"` // "Rate" or "Cron"
	Schedule     string `json:"schedule,omitempty"`
	UserEvent    string `json:"user_event,omitempty"`

	Path      string `json:"path,omitempty"`
	Method    string `json:"req_method,omitempty"`
	Stage     string `json:"env_name,omitempty"`
	Protocol  string `json:"protocol,omitempty"`
	InvokeURL string `json:"invoke_url,omitempty"`
}

// listTriggers answers with all triggers of a function.
func (a *api) listTriggers(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	return answer(w, http.StatusOK, triggersOf(r, f))
}

func triggersOf(r *http.Request, f *local.Function) []trigger {
	d := f.Describe()
	all := []trigger{}
	for _, t := range d.Triggers {
		all = append(all, triggerOf(r, d, t))
	}
	return all
}

func triggerOf(r *http.Request, d local.Description, t local.Trigger) trigger {
	described := trigger{ID: triggerID(d.Name, t), Status: "DISABLED",
		Updated: d.Modified.Format(time.RFC3339), Created: d.Created.Format(time.RFC3339)}
	if t.Enabled {
		described.Status = "ACTIVE"
	}
	if t.Kind == "timer" {
		described.Type = timerType
		described.Data = eventData{Name: t.Name, ScheduleType: scheduleType(t.Cron), Schedule: t.Cron, UserEvent: t.Argument}
		return described
	}
	described.Type = gatewayType
	described.Data = eventData{Name: t.Name, Path: t.Path, Method: t.Method, Stage: t.Stage, Protocol: "HTTP",
		InvokeURL: "http://" + r.Host + "/apigw/" + d.Name + t.Path}
	return described
}

// triggerID returns the ID of a trigger, which its name and its kind decide.
func triggerID(function string, t local.Trigger) string {
	b := sha256.Sum256([]byte(function + "\x00" + t.Kind + "\x00" + t.Name))
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// describeTrigger answers with the trigger that the path names.
func (a *api) describeTrigger(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	all := triggersOf(r, f)
	i := slices.IndexFunc(all, func(t trigger) bool { return isNamed(r, t) })
	if i < 0 {
		return noTrigger(r)
	}
	return answer(w, http.StatusOK, all[i])
}

// isNamed reports whether a trigger is the one that the path names.
func isNamed(r *http.Request, t trigger) bool {
	return t.ID == r.PathValue("id") && t.Type == r.PathValue("type")
}

func noTrigger(r *http.Request) error {
	return errNoTrigger.because("There is no trigger %s of the type %q.", r.PathValue("id"), r.PathValue("type"))
}

// deleteTrigger removes the trigger that the path names.
func (a *api) deleteTrigger(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	removed := false
	d := f.Describe()
	err := f.Configure(func(s *local.Settings) {
		kept := slices.DeleteFunc(slices.Clone(s.Triggers), func(t local.Trigger) bool { return isNamed(r, triggerOf(r, d, t)) })
		removed = len(kept) < len(s.Triggers)
		s.Triggers = kept
	})
	if err != nil {
		return err
	}
	if !removed {
		return noTrigger(r)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// createTrigger adds a trigger to a function.
func (a *api) createTrigger(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	var request trigger
	if err := decode(r, &request); err != nil {
		return err
	}
	added, err := request.read(f.Name())
	if err != nil {
		return err
	}
	exists := false
	err = f.Configure(func(s *local.Settings) {
		exists = slices.ContainsFunc(s.Triggers, func(t local.Trigger) bool { return t.Kind == added.Kind && t.Name == added.Name })
		if !exists {
			s.Triggers = append(slices.Clone(s.Triggers), added)
		}
	})
	if err != nil {
		return err
	}
	if exists {
		return errTriggerExists.because("The function already has a trigger named %q.", added.Name)
	}
	return answer(w, http.StatusCreated, triggerOf(r, f.Describe(), added))
}

// read returns the trigger that a request describes, for a function of that name.
func (t *trigger) read(function string) (local.Trigger, error) {
	read := local.Trigger{Name: cmp.Or(t.Data.Name, function), Enabled: t.Status != "DISABLED"}
	if t.Status != "" && t.Status != "ACTIVE" && t.Status != "DISABLED" {
		return read, errParameter.because("trigger_status %q: expected ACTIVE or DISABLED.", t.Status)
	}
	var err error
	switch t.Type {
	case timerType:
		err = t.Data.readTimer(&read)
	case gatewayType:
		err = t.Data.readGateway(&read)
	default:
		err = errTriggerType.because("%q: the local platform has triggers of the types %s and %s.", t.Type, timerType, gatewayType)
	}
	return read, err
}

var rate = regexp.MustCompile(`^[0-9]+[mhd]$`)

// scheduleType returns the type of a schedule.
func scheduleType(schedule string) string {
	if rate.MatchString(schedule) {
		return "Rate"
	}
	return "Cron"
}

func (d *eventData) readTimer(t *local.Trigger) error {
	t.Kind, t.Cron, t.Argument = "timer", d.Schedule, d.UserEvent
	if d.ScheduleType != scheduleType(d.Schedule) {
		return errTimer.because(`schedule_type %q with schedule %q: expected Rate with a schedule such as 3m, 1h or 1d, or Cron with one such as "0 15 2 * * ?".`,
			d.ScheduleType, d.Schedule)
	}
	_, err := schedule.Parse(protocol.FunctionGraph.Name, d.Schedule)
	if err != nil && !errors.Is(err, schedule.ErrUnsupported) {
		return errTimer.because("%v.", err)
	}
	return nil
}

func (d *eventData) readGateway(t *local.Trigger) error {
	t.Kind, t.Gateway, t.Integrated, t.Base64 = "http", "functiongraph", true, true
	t.Path, t.Method, t.Stage = cmp.Or(d.Path, "/"+t.Name), cmp.Or(d.Method, "ANY"), cmp.Or(d.Stage, "RELEASE")
	if !strings.HasPrefix(t.Path, "/") {
		return errGateway.because("path %q: expected a slash at the beginning.", t.Path)
	}
	return nil
}
