from shadow import fall_on

fall_on(__name__)
