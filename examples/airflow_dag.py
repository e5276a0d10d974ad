"""An Airflow DAG whose task is one step: Airflow tries a failed task again, and the same ranges come again."""
import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="orders",
    schedule="*/5 * * * *",
    start_date=pendulum.datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": pendulum.duration(minutes=1)},
):
    BashOperator(
        task_id="batch",
        bash_command=(
            "tidemark step --bootstrap-server $BROKERS --store zookeeper://zk:2181 --group billing --topic orders"
            " --until-end --max-records 1000000 -- spark-submit /jobs/batch.py $BROKERS s3a://lake/orders"
        ),
    )
