SELECT 'an index could be made here';
