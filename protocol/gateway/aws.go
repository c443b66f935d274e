package gateway

import "encoding/json"

// The events and answers of AWS are described in the developer guides of API Gateway
// ("Lambda proxy integrations in API Gateway", "Create AWS Lambda proxy integrations
// for HTTP APIs"), of Lambda ("Invoking Lambda function URLs") and of Elastic Load
// Balancing ("Lambda functions as targets").

// AWSv1 is API Gateway with REST APIs, and with HTTP APIs in the payload format 1.0.
var AWSv1 = &Gateway{
	Name: "aws-v1", Title: "API Gateway, payload format 1.0", Platform: "lambda",
	has:    []string{"resource", "httpMethod"},
	method: []string{"httpMethod", "requestContext.httpMethod"},
	path:   []string{"path"},
	route:  []string{"resource", "requestContext.resourcePath"},
	id:     []string{"requestContext.requestId"},
	stage:  []string{"requestContext.stage"},
	client: []string{"requestContext.identity.sourceIp"},
	host:   []string{"requestContext.domainName"},

	userAgent: []string{"requestContext.identity.userAgent"},
	clock:     []string{"requestContext.requestTime"},
	epoch:     []string{"requestContext.requestTimeEpoch"},
	params:    "pathParameters",
	query:     values{single: "queryStringParameters", lists: "multiValueQueryStringParameters"},
	header:    values{single: "headers", lists: "multiValueHeaders"},
	body:      bodyStyle{empty: json.RawMessage("null")},
	none:      json.RawMessage("null"),
	fixed: map[string]any{
		"stageVariables": nil, "requestContext.accountId": "000000000000", "requestContext.apiId": "local",
		"requestContext.protocol": "HTTP/1.1",
	},
	answer: envelope{
		write: values{lists: "multiValueHeaders"},
		read:  values{single: "headers", lists: "multiValueHeaders"},
		wrong: message(502, "Internal server error"),
	},
}

// AWSv2 is API Gateway with HTTP APIs in the payload format 2.0, and function URLs of
// Lambda.
var AWSv2 = &Gateway{
	Name: "aws-v2", Title: "API Gateway, payload format 2.0, and function URLs", Platform: "lambda",
	has:     []string{"requestContext.http"},
	version: "2.0",
	method:  []string{"requestContext.http.method"},
	path:    []string{"rawPath", "requestContext.http.path"},
	route:   []string{"routeKey", "requestContext.routeKey"},
	id:      []string{"requestContext.requestId"},
	stage:   []string{"requestContext.stage"},
	client:  []string{"requestContext.http.sourceIp"},
	host:    []string{"requestContext.domainName"},

	userAgent: []string{"requestContext.http.userAgent"},
	clock:     []string{"requestContext.time"},
	epoch:     []string{"requestContext.timeEpoch"},
	params:    "pathParameters",
	staged:    true,
	routeKey:  true,
	query:     values{raw: "rawQueryString", single: "queryStringParameters", repeated: joined, joint: ","},
	header:    values{single: "headers", repeated: joined, joint: ",", lower: true},
	cookies:   "cookies",
	fixed: map[string]any{
		"version": "2.0", "requestContext.accountId": "000000000000", "requestContext.apiId": "local",
		"requestContext.http.protocol": "HTTP/1.1",
	},
	answer: envelope{
		write:   values{single: "headers", repeated: joined, joint: ", "},
		read:    values{single: "headers"},
		cookies: "cookies",
		bare:    bareJSON,
		wrong:   message(500, "Internal Server Error"),
	},
}

// ALB is an Application Load Balancer. If a header or a parameter has several
// values, the function gets the last one.
var ALB = &Gateway{
	Name: "alb", Title: "Application Load Balancer", Platform: "lambda",
	has:          []string{"requestContext.elb"},
	lacks:        []string{"multiValueHeaders"},
	method:       []string{"httpMethod"},
	path:         []string{"path"},
	clientHeader: "X-Forwarded-For",
	query:        values{single: "queryStringParameters", escaped: true},
	header:       values{single: "headers", lower: true},
	body:         bodyStyle{empty: json.RawMessage(`""`)},
	none:         json.RawMessage("{}"),
	fixed:        albFixed,
	answer:       albAnswer(values{single: "headers"}),
}

// ALBMulti is an Application Load Balancer whose target group has multi-value headers
// enabled.
var ALBMulti = &Gateway{
	Name: "alb-multi", Title: "Application Load Balancer with multi-value headers", Platform: "lambda",
	has:          []string{"requestContext.elb", "multiValueHeaders"},
	method:       []string{"httpMethod"},
	path:         []string{"path"},
	clientHeader: "X-Forwarded-For",
	query:        values{lists: "multiValueQueryStringParameters", escaped: true},
	header:       values{lists: "multiValueHeaders", lower: true},
	body:         bodyStyle{empty: json.RawMessage(`""`)},
	none:         json.RawMessage("{}"),
	fixed:        albFixed,
	answer:       albAnswer(values{lists: "multiValueHeaders"}),
}

var albFixed = map[string]any{
	"requestContext.elb.targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/local/0000000000000000",
}

// albAnswer returns the envelope of a load balancer that reads one of the two objects
// with headers. An answer has both, as a function does not know the setting.
func albAnswer(read values) envelope {
	return envelope{
		write:       values{single: "headers", lists: "multiValueHeaders", repeated: joined, joint: ", "},
		read:        read,
		description: true,
		wrong: fixedError(502, "text/html", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"+
			"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"),
	}
}
