class Model:
    pass


class Code(Model):
    pass


class CreateFunctionRequest(Model):
    pass


class UpdateFunctionCodeRequest(Model):
    pass


class GetFunctionRequest(Model):
    pass


class InvokeRequest(Model):
    pass
