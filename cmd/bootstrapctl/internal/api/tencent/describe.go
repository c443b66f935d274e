package tencent

import (
	"cmp"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

type listParams struct {
	Namespace, Order, Orderby, SearchKey, Description string
	Offset, Limit                                     *int64
	Filters                                           []any
}

// A summary is a function in the answer of ListFunctions.
type summary struct {
	FunctionName, FunctionId, Namespace, Runtime, Type, Description string
	Status, StatusDesc                                              string
	AddTime, ModTime                                                string
	StatusReasons, Tags                                             []struct{}
}

var functionOrder = order[local.Description]{
	"AddTime":      func(a, b local.Description) int { return a.Created.Compare(b.Created) },
	"ModTime":      func(a, b local.Description) int { return a.Modified.Compare(b.Modified) },
	"FunctionName": func(a, b local.Description) int { return strings.Compare(a.Name, b.Name) },
}

// listFunctions lists functions in the order of their creation, or in the order that
// the call asks for.
func (s *server) listFunctions(_ *call, p *listParams) (any, error) {
	if err := checkNamespace(p.Namespace); err != nil {
		return nil, err
	}
	if len(p.Filters) > 0 {
		return nil, fail("UnsupportedOperation", "the local platform has no Filters: use SearchKey, which is a part of the name")
	}
	var all []local.Description
	for _, f := range s.cloud.Functions(protocol.SCF) {
		if d := f.Describe(); strings.Contains(d.Name, p.SearchKey) && strings.Contains(d.Description, p.Description) {
			all = append(all, d)
		}
	}
	shown, err := cut(all, page{p.Offset, p.Limit, p.Orderby, cmp.Or(p.Order, "ASC")}, functionOrder)
	summaries := []summary{}
	for _, d := range shown {
		summaries = append(summaries, summaryOf(d))
	}
	return struct {
		Functions  []summary
		TotalCount int
	}{summaries, len(all)}, err
}

func summaryOf(d local.Description) summary {
	return summary{
		FunctionName: d.Name, FunctionId: functionID(d), Namespace: namespace, Runtime: customRuntime, Type: "Event", Description: d.Description,
		Status: "Active", AddTime: date(d.Created), ModTime: date(d.Modified), StatusReasons: []struct{}{}, Tags: []struct{}{},
	}
}

type getParams struct {
	qualified
	ShowCode any // packages of custom runtimes are not shown
}

// A description is the answer of GetFunction. Clients read fields that mean nothing here,
// too, and some fail without them.
type description struct {
	summary
	FunctionVersion, Qualifier               string
	Handler, CodeInfo, CodeResult, CodeError string
	CodeSize                                 int64
	MemorySize, Timeout, InitTimeout, ErrNo  int
	Environment                              environment
	Triggers                                 []triggerInfo
	Layers                                   []struct{}

	AvailableStatus, Role, ClsLogsetId, ClsTopicId, UseGpu, InstallDependency string
	L5Enable, AsyncRunEnable, TraceEnable                                     string
	VpcConfig                                                                 struct{ VpcId, SubnetId string }
	AccessInfo                                                                struct{ Host, Vip string }
	EipConfig                                                                 struct {
		EipFixed string
		Eips     []string
	}
}

// getFunction describes a function.
func (s *server) getFunction(c *call, p *getParams) (any, error) {
	f, err := s.version(p.qualified)
	if err != nil {
		return nil, err
	}
	d := f.Describe()
	v := description{
		summary: summaryOf(d), FunctionVersion: latest, Qualifier: latest, Handler: d.Handler, CodeResult: "success", CodeSize: d.Size,
		MemorySize: d.MemoryMB, Timeout: int(d.Timeout / time.Second), InitTimeout: int(cmp.Or(d.InitTimeout, d.Platform.InitLimit) / time.Second),
		Environment: variablesOf(d.Env), Triggers: triggerInfosOf(c, d), Layers: []struct{}{},
		AvailableStatus: "Available", UseGpu: "FALSE", InstallDependency: "FALSE", L5Enable: "FALSE", AsyncRunEnable: "FALSE", TraceEnable: "FALSE",
	}
	v.EipConfig.EipFixed, v.EipConfig.Eips = "FALSE", []string{}
	return v, nil
}

func variablesOf(env []string) environment {
	e := environment{Variables: []variable{}}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		e.Variables = append(e.Variables, variable{name, value})
	}
	return e
}
