package tencent

import (
	"cmp"
	"slices"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// A naming is how calls name a trigger of a function.
type naming struct{ TriggerName, Type string }

// matches reports whether a trigger has that name and type.
func (n naming) matches(t local.Trigger) bool { return t.Name == n.TriggerName && typeOf(t) == n.Type }

func typeOf(t local.Trigger) string {
	switch {
	case t.Kind == "timer":
		return "timer"
	case t.Gateway == urlGateway:
		return "http"
	}
	return "apigw"
}

type createTriggerParams struct {
	qualified
	naming
	TriggerDesc, Enable, CustomArgument string
	Description                         any // for people who look at the cloud's console
}

// createTrigger adds a trigger to a function.
func (s *server) createTrigger(c *call, p *createTriggerParams) (any, error) {
	f, err := s.version(p.qualified)
	if err != nil {
		return nil, err
	}
	t, err := p.trigger()
	if err != nil {
		return nil, err
	}
	var taken error
	err = f.Configure(func(settings *local.Settings) {
		if taken = p.conflict(settings.Triggers); taken == nil {
			settings.Triggers = append(slices.Clone(settings.Triggers), t)
		}
	})
	return struct{ TriggerInfo triggerInfo }{triggerInfoOf(c, f.Describe(), t)}, cmp.Or(taken, err)
}

// conflict returns why a trigger cannot be added to others, or nil.
func (p *createTriggerParams) conflict(others []local.Trigger) error {
	isURL := func(t local.Trigger) bool { return typeOf(t) == "http" }
	switch {
	case slices.ContainsFunc(others, p.matches):
		return fail("ResourceInUse.TriggerName", "the function already has a trigger %s of the type %s", short(p.TriggerName), p.Type)
	case p.Type == "http" && slices.ContainsFunc(others, isURL):
		return fail("ResourceInUse.Trigger", "the function already has a URL: a version can have only one")
	}
	return nil
}

type deleteTriggerParams struct {
	qualified
	naming
	TriggerDesc any // for triggers of other types
}

// deleteTrigger removes a trigger of a function.
func (s *server) deleteTrigger(_ *call, p *deleteTriggerParams) (any, error) {
	f, err := s.version(p.qualified)
	if err != nil {
		return nil, err
	}
	var missed error
	err = f.Configure(func(settings *local.Settings) {
		kept := slices.DeleteFunc(slices.Clone(settings.Triggers), p.matches)
		if len(kept) == len(settings.Triggers) {
			missed = fail("ResourceNotFound.Trigger", "the function has no trigger %q of the type %q", short(p.TriggerName), short(p.Type))
		}
		settings.Triggers = kept
	})
	return struct{}{}, cmp.Or(missed, err)
}

type listTriggersParams struct {
	target
	Offset, Limit  *int64
	OrderBy, Order string
	Filters        []any
}

// listTriggers lists the triggers of a function, the newest first. They have no times
// but their function's.
func (s *server) listTriggers(c *call, p *listTriggersParams) (any, error) {
	f, err := s.function(p.target)
	if err != nil {
		return nil, err
	}
	if len(p.Filters) > 0 {
		return nil, fail("UnsupportedOperation", "the local platform has no Filters: leave them out")
	}
	all := triggerInfosOf(c, f.Describe())
	shown, err := cut(all, page{p.Offset, p.Limit, p.OrderBy, cmp.Or(p.Order, "DESC")}, triggerOrder)
	return struct {
		Triggers   []triggerInfo
		TotalCount int
	}{shown, len(all)}, err
}

// triggerOrder keeps the order of the triggers' creation.
var triggerOrder = order[triggerInfo]{
	"add_time": func(a, b triggerInfo) int { return strings.Compare(a.AddTime, b.AddTime) },
	"mod_time": func(a, b triggerInfo) int { return strings.Compare(a.ModTime, b.ModTime) },
}

// A triggerInfo is a trigger in answers.
type triggerInfo struct {
	TriggerName, Type, TriggerDesc, Qualifier, CustomArgument, Description string
	AvailableStatus, BindStatus, ResourceId, TriggerAttribute              string
	AddTime, ModTime                                                       string
	Enable                                                                 int
}

func triggerInfosOf(c *call, d local.Description) []triggerInfo {
	all := []triggerInfo{}
	for _, t := range d.Triggers {
		all = append(all, triggerInfoOf(c, d, t))
	}
	return all
}

func triggerInfoOf(c *call, d local.Description, t local.Trigger) triggerInfo {
	v := triggerInfo{
		TriggerName: t.Name, Type: typeOf(t), TriggerDesc: describe(c, d.Name, t), Qualifier: "$DEFAULT", CustomArgument: t.Argument,
		AvailableStatus: "Available", BindStatus: "on", TriggerAttribute: "single", AddTime: date(d.Modified), ModTime: date(d.Modified),
	}
	if t.Enabled {
		v.Enable = 1
	}
	return v
}
