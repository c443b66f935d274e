package tencent

import (
	"cmp"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

type createParams struct {
	target
	configuration
	Code                                        *code
	Handler, Type                               string
	AsyncRunEnable, ProtocolType                string
	CodeSource, Tags, TraceEnable               any
	AutoDeployClsTopicIndex, AutoCreateClsTopic any
}

// check checks what only a new function has.
func (p *createParams) check() error {
	switch {
	case p.Runtime == nil:
		return fail("MissingParameter.Runtime", "the call has no Runtime: expected %s", customRuntime)
	case p.Code == nil:
		return fail("MissingParameter.Code", "the call has no code: send the package as Code.ZipFile")
	case strings.EqualFold(p.Type, "HTTP"):
		return fail("UnsupportedOperation", "web functions (Type HTTP), which start scf_bootstrap, do not run here: create a function of Type Event with a bootstrap, and give it an API gateway trigger")
	case p.Type != "" && p.Type != "Event":
		return fail("InvalidParameterValue.FunctionType", "the Type is %q: expected Event", short(p.Type))
	case p.AsyncRunEnable == "TRUE":
		return fail("UnsupportedOperation.AsyncRunEnable", "the local platform does not run functions for a day: leave AsyncRunEnable out")
	}
	return cmp.Or(checkName(p.FunctionName), checkNamespace(p.Namespace), checkHandler(p.Handler), p.configuration.check())
}

// createFunction adds a function, which is active at once.
func (s *server) createFunction(_ *call, p *createParams) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	content, err := p.Code.read()
	if err != nil {
		return nil, err
	}
	settings := local.Settings{Name: p.FunctionName, Platform: protocol.SCF, Handler: p.Handler}
	p.apply(&settings)
	_, err = s.cloud.Create(settings, content)
	return struct{}{}, err
}

type updateCodeParams struct {
	target
	code
	Handler                              *string
	Code                                 *code
	Publish                              string
	InstallDependency, EnvId, CodeSource any
}

// updateFunctionCode gives a function another package. Older clients send it beside the
// name, and newer ones below Code.
func (s *server) updateFunctionCode(_ *call, p *updateCodeParams) (any, error) {
	f, err := s.function(p.target)
	if err != nil {
		return nil, err
	}
	if p.Code == nil {
		p.Code = &p.code
	}
	content, err := p.Code.read()
	if err != nil {
		return nil, err
	}
	if err := checkPublish(p.Publish); err != nil {
		return nil, err
	}
	if p.Handler == nil || *p.Handler == "" {
		return struct{}{}, f.SetCode(content)
	}
	if err := checkHandler(*p.Handler); err != nil {
		return nil, err
	}
	if err := f.SetCode(content); err != nil {
		return nil, err
	}
	if f.Describe().Handler == *p.Handler {
		return struct{}{}, nil
	}
	return struct{}{}, f.Configure(func(settings *local.Settings) { settings.Handler = *p.Handler })
}

func checkPublish(publish string) error {
	if publish == "TRUE" {
		return fail("UnsupportedOperation", "the local platform has one version of each function: leave Publish out")
	}
	return nil
}

type updateConfigurationParams struct {
	target
	configuration
	Publish                string
	L5Enable, IgnoreSysLog any
}

// updateFunctionConfiguration changes the settings that a call has.
func (s *server) updateFunctionConfiguration(_ *call, p *updateConfigurationParams) (any, error) {
	f, err := s.function(p.target)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(p.check(), checkPublish(p.Publish)); err != nil {
		return nil, err
	}
	return struct{}{}, f.Configure(p.apply)
}

// deleteFunction removes a function.
func (s *server) deleteFunction(_ *call, p *qualified) (any, error) {
	f, err := s.version(*p)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.cloud.Delete(protocol.SCF, f.Name())
}

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

// listFunctions lists functions in the order of their creation, or as the call says.
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
