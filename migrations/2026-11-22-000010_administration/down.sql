DROP INDEX deliveries_dropped;
