package tencent

import "bootstrap/cmd/bootstrapctl/internal/local"

type statusParams struct {
	target
	FunctionRequestId, StartTime, EndTime string
}

// A requestStatus is an invocation in the answer of GetRequestStatus.
type requestStatus struct {
	FunctionName, RetMsg, RequestId, StartTime string
	RetCode                                    int
	Duration                                   float64 // ms
	MemUsage                                   float64 // MB
	RetryNum                                   int
}

// getRequestStatus returns the status of an event, which may be asynchronous.
func (s *server) getRequestStatus(_ *call, p *statusParams) (any, error) {
	f, err := s.function(p.target)
	if err != nil {
		return nil, err
	}
	if p.FunctionRequestId == "" {
		return nil, missing("FunctionRequestId")
	}
	from, to, err := period(p.StartTime, p.EndTime)
	if err != nil {
		return nil, err
	}
	found := []requestStatus{}
	if inv, err := f.Invocation(p.FunctionRequestId); err == nil && isWithin(inv, from, to) {
		found = append(found, requestStatusOf(f, inv))
	}
	return struct {
		TotalCount int
		Data       []requestStatus
	}{len(found), found}, nil
}

func requestStatusOf(f *local.Function, inv *local.Invocation) requestStatus {
	r := resultOf(inv)
	status := requestStatus{
		FunctionName: f.Name(), RetMsg: r.RetMsg, RequestId: inv.ID, StartTime: date(inv.Arrived),
		Duration: r.Duration, MemUsage: float64(r.MemUsage) / (1 << 20), RetryNum: inv.Attempt,
	}
	switch {
	case !isOver(inv):
		status.RetCode = 1
	case r.InvokeResult != 0:
		status.RetCode = -1
	}
	return status
}
