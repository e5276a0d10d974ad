import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** A namenode and a datanode in one process: java MiniHdfs FOLDER HTTP-PORT. */
public class MiniHdfs {
  public static void main(String[] args) throws Exception {
    Configuration settings = new Configuration();
    settings.set("hdfs.minidfs.basedir", args[0]);
    settings.set("dfs.datanode.hostname", "127.0.0.1");
    MiniDFSCluster cluster = new MiniDFSCluster.Builder(settings).numDataNodes(1).nameNodeHttpPort(Integer.parseInt(args[1])).build();
    cluster.waitActive();
    System.out.println("HDFS is up on " + cluster.getNameNodePort());
    Thread.currentThread().join();
  }
}
