// A function on AWS's own library for Go, to compare with. It is a module of
// its own so that nothing else needs what that library needs.
module bootstrap/integration/bench/awslambda

go 1.26.0

require github.com/aws/aws-lambda-go v1.55.1
