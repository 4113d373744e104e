from locust import FastHttpUser, task


class WordUser(FastHttpUser):
    @task
    def word(self):
        self.client.get("/word", name="word")
