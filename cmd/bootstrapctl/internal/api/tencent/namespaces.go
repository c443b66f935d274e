package tencent

type namespacesParams struct {
	Offset, Limit             *int64
	Orderby, Order, SearchKey any // there is one
}

type namespaceInfo struct{ Name, Type, Description, AddTime, ModTime string }

// listNamespaces lists the only namespace.
func (s *server) listNamespaces(_ *call, p *namespacesParams) (any, error) {
	all := []namespaceInfo{{Name: namespace, Type: namespace, AddTime: date(s.started), ModTime: date(s.started)}}
	shown, err := cut(all, page{p.Offset, p.Limit, "", "ASC"}, nil)
	return struct {
		Namespaces []namespaceInfo
		TotalCount int
	}{shown, len(all)}, err
}
