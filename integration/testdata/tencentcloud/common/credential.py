class Credential:
    def __init__(self, secret_id, secret_key):
        self.secret_id, self.secret_key = secret_id, secret_key
