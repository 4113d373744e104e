ALTER SYSTEM SET random_page_cost = 1;
